"""The order in which a page is read: from the corners of its words, and from its regions where there are some."""

from ocr_pipeline.reading.order.lines import OrderedLine
from ocr_pipeline.reading.order.page_order import order_words

__all__ = ["OrderedLine", "order_words"]
