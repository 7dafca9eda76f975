"""Pages drawn for a detector of words: sheets, scenes, screens, pictures without text; each word with its corners."""

from ocr_pipeline.data.synthetic.pages.lettering import DrawnWord
from ocr_pipeline.data.synthetic.pages.page import KINDS, SMALLEST_SIDE, DrawnPage, draw_page

__all__ = ["KINDS", "SMALLEST_SIDE", "DrawnPage", "DrawnWord", "draw_page"]
