from .data.annotations import CropReader as CropReader
from .data.layout_lmdb import LayoutReader as LayoutReader
from .data.merged_json import read_pages as read_pages
from .errors import PipelineError as PipelineError
from .fast import Detector as Detector
from .page import Page as Page
from .page import Word as Word
from .reading import Reader as Reader
from .recognition import load_recognizer as load_recognizer
from .storage.artifacts.workspace import Workspace as Workspace
from .storage.source.share import Share as Share

__version__: str
