"""Read a page in five lines: python examples/read_a_page.py page.jpg"""

import sys

from ocr_pipeline import Reader

page = Reader().read(sys.argv[1])
print(page.text, end="")
for word in page.words:
    if word.confidence < 0.5:
        print(f"look at {word.text!r}, at {word.quad[0]}: {word.confidence:.2f}", file=sys.stderr)
