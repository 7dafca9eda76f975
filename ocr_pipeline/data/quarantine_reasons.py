"""Why pages and words are set aside: what each reason means, how it looks, and what a person can do about it."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """One reason.

    Attributes:
        meaning: one sentence.
        example: what stood in the label, or in the record's detail.
        remedy: what helps, or why nothing has to be done.
    """

    meaning: str
    example: str
    remedy: str


REASONS: dict[str, Reason] = {
    "corner_slipped": Reason(
        "One corner of the word lies far from the others: a slipped digit.",
        "x = 120, 1240, 1238, 122 where the word is 40 pixels wide",
        "Mend the corner in the label; the other words of the page are used.",
    ),
    "correction_stale": Reason(
        "A person's correction speaks of a word that does not read any more as the person saw it.",
        "the label now says 양산시, the person saw 앙산시",
        "Look whether the share has mended it by itself; if not, review the word again.",
    ),
    "crop_not_encoded": Reason(
        "The picture format cannot hold the crop of this word.",
        "a line of 70,000 pixels, and `--codec jpeg`",
        "Choose another `--codec`, or a smaller `--margin`.",
    ),
    "crop_too_large": Reason(
        "The word's crop would have more pixels than a picture may have.",
        "a corner at x = 480,000: a slipped digit",
        "Mend the corners in the label; `OCR_PIPELINE_MOST_PIXELS` raises the limit.",
    ),
    "deleted_in_review": Reason(
        "A person said that no word is here.",
        "a box around a stain",
        "Nothing; `ocr-pipeline review undo REVIEW` brings it back.",
    ),
    "duplicate_label": Reason(
        "Another label file has the same words on the same picture; that one is used.",
        "the same page in `train` and once more in a folder `train_추가`",
        "Nothing: every word counts once. Where the second copy is a mistake, delete it on the share.",
    ),
    "duplicate_picture": Reason(
        "Text in the wild lists a picture under two ids; its words stand with the first.",
        "`00C6DD18….jpg` with the ids 00000012 and 00034567",
        "Nothing: no word is lost.",
    ),
    "forgotten": Reason(
        "A person asked that this page be forgotten; nothing that stands on it is kept.",
        "`ocr-pipeline forget --image IMG_00012.jpg`",
        "Nothing. `ocr-pipeline forget` says what made earlier still holds it.",
    ),
    "image_id_ambiguous": Reason(
        "Two pictures have the same id, so whose words are whose cannot be told.",
        "id 00000001 is both `A….jpg` and `B….jpg`",
        "Mend the ids in the document, or fetch it anew from AI-Hub.",
    ),
    "image_missing": Reason(
        "The share holds labels of this picture, but no picture of its name.",
        "label `IMG_OCR_53_4PR_21045.json`, and no `IMG_OCR_53_4PR_21045.png`",
        "Look whether all archives of pictures (`TS_*`, `VS_*`, `원천`) were fetched and unpacked, then "
        "`ocr-pipeline lookup --rebuild`. Single pictures are missing at AI-Hub itself.",
    ),
    "image_unreadable": Reason(
        "The picture is broken, cut short, empty, or too large to be decoded.",
        "`premature end of JPEG`; 0 bytes; 30,000 x 30,000 pixels",
        "Fetch the file again. `OCR_PIPELINE_MOST_PIXELS` raises the limit for what is only large.",
    ),
    "label_missing": Reason(
        "The share holds a picture that no label speaks of.",
        "`5350178-1999-0001-0344.jpg` without a `.json`",
        "Look whether all label archives (`TL_*`, `VL_*`, `라벨`) are there. Nothing is learned without labels.",
    ),
    "label_unreadable": Reason(
        "The label file is no JSON, lacks what a page needs, or says two things of it.",
        "cut off after 4,096 bytes; no key `Images`; `width` stands twice, 2480 and 1240",
        "Fetch the file again; the beginning of what it holds stands in the record's `raw`.",
    ),
    "line_unreadable": Reason(
        "A line of crops that another program made cannot be read.",
        "a JSONL line without `text_info`",
        "Make the file anew here (`ocr-pipeline annotations`), or mend the line.",
    ),
    "no_cell": Reason(
        "With `FAST_LAYOUT_SAMPLES=cell`: the word lies in no table cell.",
        "a heading above the table",
        "Nothing, or `FAST_LAYOUT_SAMPLES=page`.",
    ),
    "no_region": Reason(
        "With `FAST_LAYOUT_SAMPLES=region`: the word lies in no region that the layout model saw.",
        "a page number in the margin",
        "Nothing, or lower the layout model's threshold, or `FAST_LAYOUT_SAMPLES=page`.",
    ),
    "no_words_left": Reason(
        "None of the page's words lies on its picture, so a detector would learn that there is no text.",
        "all boxes at x > 2480 on a picture 1240 wide",
        "Look whether the picture is the one that the label means; see `size_differs`.",
    ),
    "picture_ambiguous": Reason(
        "Pictures of this name stand in several folders, and no folder tells which one the label means.",
        "`0001.jpg` in `a/` and `b/`, the label in `c/`",
        "Name folders of pictures like those of their labels (AI-Hub's `TL_x` and `TS_x`), or remove the copies.",
    ),
    "quad_degenerate": Reason(
        "The word's corners enclose no area, or their sides cross.",
        "three of four corners on one line",
        "Mend the corners in a review or on the share.",
    ),
    "sample_missing": Reason(
        "Crops that another program made lack the picture or the text of this sample.",
        "`label-000000007` is there, `image-000000007` is not",
        "Make the LMDB anew here (`ocr-pipeline annotations --output_format lmdb`).",
    ),
    "size_differs": Reason(
        "The picture has another size than its label says, so its corners cannot be trusted.",
        "the label counts 2480x3508 pixels, the picture has 1240x1754",
        "`OCR_PIPELINE_OTHER_SIZE=scale` where pictures were made smaller, `ignore` where the label's size is wrong.",
    ),
    "unexpected": Reason(
        "An error that nobody thought of; the rest is published, and the command ends with exit code 1.",
        "`ZeroDivisionError: …`",
        "A fault of this program: its log has the whole error. Please report it with the record.",
    ),
    "word_ignored": Reason(
        "The label gives no legible text, so a recognizer has nothing to learn; a detector masks the word.",
        "null, an empty text, `###`, `xxx`, class `ignored`",
        "Nothing.",
    ),
    "word_malformed": Reason(
        "The word's record has no box of four numbers, no text, or two of them.",
        'bbox `[1, 2, "a", 4]`; text `{"a": 1}`; `"data": "가", "data": "나"`',
        "Mend the record on the share; it stands in `raw`.",
    ),
    "word_outside": Reason(
        "No part of the word's box lies on the picture.",
        "x = -40 to -3",
        "Mend the corners. Where it hits whole pages, the picture is another one than the label means.",
    ),
    "word_without_page": Reason(
        "A word of Text in the wild names a picture that the document does not list.",
        "`image_id` 00099999",
        "Fetch the document anew from AI-Hub.",
    ),
    "word_zero_area": Reason(
        "The word's box has no area.",
        "width 0, or a negative height",
        "Nothing, or mend the box.",
    ),
}
"""Every reason that stands in a quarantine, by its name."""
