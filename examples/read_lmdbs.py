"""Look into the two LMDBs: python examples/read_lmdbs.py CROPS_LMDB LAYOUT_LMDB"""

import sys
from pathlib import Path

from ocr_pipeline import CropReader, LayoutReader

crops = CropReader(sys.argv[1])
print(f"{len(crops):,} crops")
for index in range(min(5, len(crops))):
    crop = crops.read(index)  # image: the encoded picture; text; source: where it comes from
    print(f"  {crop.text}  {len(crop.image):,} bytes, {crop.source}")

pages = LayoutReader(Path(sys.argv[2]))
print(f"{len(pages):,} pages")
for index in range(min(5, len(pages))):
    picture, page = pages.read(index)
    legible = [word for word in page.words if word.state == "ok"]
    print(f"  {page.image}  {page.width}x{page.height}, {len(legible)} of {len(page.words)} words to learn from")
