"""A flat thing with words on it, and how one lies on another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.data.synthetic.pages.lettering import Colour, DrawnWord, Hand, Points, moved, put, quad_of, set_word

Align = Literal["left", "centre", "right"]
Pixels = npt.NDArray[np.uint8]

LEAST_SIZE = 6
"""Pixels to the em below which nothing is written."""


class Surface:
    """Pixels (H, W, 3) uint8 RGB and the words on them.

    Attributes:
        unclear: quads of text that has no label: masked, not learnt.
    """

    def __init__(self, pixels: Pixels, rng: np.random.Generator) -> None:
        self.pixels, self.rng = pixels, rng
        self.height, self.width = pixels.shape[:2]
        self.words: list[DrawnWord] = []

    def write(self, texts: Sequence[str], hand: Hand, x: float, y: float, right: float | None = None) -> float:
        """Write words on one baseline from (x, y) while they end left of ``right``; returns where the pen stands."""
        end = self.width - 1 if right is None else right
        for text in texts:
            word = set_word(text, hand, self.rng)
            if x + word.advance > end:
                break
            self.words.append(DrawnWord(text, put(self.pixels, word, hand, x, y)))
            x += word.advance + hand.space * hand.size
        return x

    def write_in(self, texts: Sequence[str], hand: Hand, box: tuple[float, float, float, float], align: Align) -> bool:
        """Write a line into a box, centred in its height, shorter and smaller where it must be.

        Returns:
            whether there was room for at least a word of 6 pixels to the em.
        """
        x0, y0, x1, y1 = box
        hand, texts = hand._replace(size=int(min(hand.size, 0.95 * (y1 - y0)))), list(texts)
        if hand.size < LEAST_SIZE or x1 - x0 < LEAST_SIZE:
            return False
        while len(texts) > 1 and self._length(texts, hand) > 1.15 * (x1 - x0):
            texts.pop()
        length = self._length(texts, hand)
        if length > x1 - x0:
            hand = hand._replace(size=int(hand.size * (x1 - x0) / length))
            if hand.size < LEAST_SIZE:
                return False
            length = self._length(texts, hand)
        x = {"left": x0, "centre": (x0 + x1 - length) / 2, "right": x1 - length}[align]
        self.write(texts, hand, x, (y0 + y1) / 2 + 0.37 * hand.size, self.width + length)
        return True

    def write_down(self, texts: Sequence[str], hand: Hand, x: float, y: float) -> float:
        """Write words letter below letter while they end within the surface; returns where the last one ends."""
        for text in texts:
            step = hand.size * (1.02 + hand.tracking)
            whole = min(len(text), int((self.height - y) / step))
            if whole < 1:
                break
            word = set_word(text[:whole], hand, self.rng, upright=True)
            self.words.append(DrawnWord(text, put(self.pixels, word, hand, x, y + hand.size)))
            y += word.advance + (hand.space + 0.15) * hand.size
        return y

    def _length(self, texts: Sequence[str], hand: Hand) -> float:
        font = hand.face.sized(hand.size)
        letters = sum(font.getlength(text) + len(text) * hand.tracking * hand.size for text in texts)
        return float(letters * hand.width + (len(texts) - 1) * hand.space * hand.size)

    def rule(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: int = 1) -> None:
        """Draw a straight line."""
        cv2.line(self.pixels, _whole(start), _whole(end), colour, width, cv2.LINE_AA)

    def fill(self, box: tuple[float, float, float, float], colour: Colour, radius: float = 0) -> None:
        """Fill a rectangle, with round corners if told so."""
        x0, y0, x1, y1 = (round(value) for value in box)
        corner = round(min(radius, (x1 - x0) / 2, (y1 - y0) / 2))
        if corner < 1:
            self.pixels[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour
            return
        self.fill((x0 + corner, y0, x1 - corner, y1), colour)
        self.fill((x0, y0 + corner, x1, y1 - corner), colour)
        for x in (x0 + corner, x1 - corner - 1):
            for y in (y0 + corner, y1 - corner - 1):
                cv2.circle(self.pixels, (x, y), corner, colour, -1, cv2.LINE_AA)

    def frame(self, box: tuple[float, float, float, float], colour: Colour, width: int = 1) -> None:
        """Draw the outline of a rectangle."""
        cv2.rectangle(self.pixels, _whole(box[:2]), _whole(box[2:]), colour, width)

    def lay(self, other: Surface, quad: Points, mask: npt.NDArray[np.uint8] | None = None) -> None:
        """Lay another surface on this one, its corners at ``quad``; words below it vanish."""
        corners = quad_of(0, 0, other.width, other.height)
        matrix = np.asarray(
            cv2.getPerspectiveTransform(corners.astype(np.float32), quad.astype(np.float32)), np.float64
        )
        x0, y0 = np.maximum(np.floor(quad.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 1, (self.width, self.height))
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        shift = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]], np.float64) @ matrix
        size = (int(x1 - x0), int(y1 - y0))
        seen = cv2.warpPerspective(other.pixels, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        whole = np.full(other.pixels.shape[:2], 255, np.uint8) if mask is None else mask
        cover = cv2.warpPerspective(whole, shift, size, flags=cv2.INTER_LINEAR)
        region = self.pixels[y0:y1, x0:x1]
        share = (cover.astype(np.float32) / 255)[..., None]
        region[:] = (region + share * (seen.astype(np.float32) - region)).astype(np.uint8)
        hull = quad.astype(np.float32)
        self.words = [word for word in self.words if not _hidden(word.quad, hull)]
        self.words += moved(other.words, matrix)


def _hidden(word: Points, hull: npt.NDArray[np.float32]) -> bool:
    shared, _ = cv2.intersectConvexConvex(word.astype(np.float32), hull)
    return bool(shared > 0)


def _whole(point: Sequence[float]) -> tuple[int, int]:
    return round(point[0]), round(point[1])
