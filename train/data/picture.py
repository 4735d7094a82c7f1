"""One picture file as 32x32 pixels: turned upright, laid on white, cut to its middle square."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError, __version__

from train.data.cache import IMAGE_SHAPE

RULE = f"pictures 1, Pillow {__version__}"
"""Names the rule by which pictures become arrays. Another rule needs another number."""

SIDE = IMAGE_SHAPE[0]

_EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"}
_GREY_OR_COLOURS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}
# Pillow knows these formats, but has no decoder for them: it only identifies or writes them.
_WITHOUT_DECODER = {"BUFR", "GRIB", "HDF5", "MPEG", "PALM", "PDF", "WMF"}
_ORIENTATION = 0x0112  # the tag of EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Facts:
    """What a picture file was before it became 32x32 pixels.

    Attributes:
      form: the format that Pillow found in its bytes, such as "PNG".
      size: its width and height, upright.
      is_turned: whether its EXIF orientation turned or mirrored it.
      is_transparent: whether pixels of it let the white behind them through.
      has_frames: whether it holds more frames or pages than the first.
      mode: its colours in Pillow's words, if they are other ones than grey or RGB; else empty.
    """

    form: str
    size: tuple[int, int]
    is_turned: bool
    is_transparent: bool
    has_frames: bool
    mode: str


def endings() -> frozenset[str]:
    """Returns the endings of the files that Pillow reads, in small letters, with their dots."""
    known = Image.registered_extensions()
    return frozenset(ending for ending, form in known.items() if form not in _WITHOUT_DECODER)


def read(path: Path) -> tuple[np.ndarray, Facts]:
    """Returns the picture in a file as uint8, [32, 32, 3], and what it was before.

    Its EXIF orientation is applied. Transparent pixels are laid on white. Of several frames the
    first is taken. A picture of another size is cut to its middle square, which is scaled by
    Pillow's bicubic filter with antialiasing; the pixels of one of 32x32 stay as they are.

    Raises:
      ValueError: a channel has more than 8 bits.
      Exception: Pillow's, for a file that is no picture, or a damaged one.
    """
    with Image.open(path) as image:
        # A Photoshop file has its layers as frames; Pillow opens them flattened into one picture.
        has_frames = image.format != "PSD" and getattr(image, "n_frames", 1) > 1
        if image.mode not in _EIGHT_BIT_MODES:
            raise ValueError(f"its mode {image.mode} has no 8 bits a channel")
        form, mode = str(image.format), image.mode
        upright, is_turned = _upright(image)
        opaque, is_transparent = _on_white(upright)
    facts = Facts(
        form,
        opaque.size,
        is_turned,
        is_transparent,
        has_frames,
        "" if mode in _GREY_OR_COLOURS else mode,
    )
    return np.asarray(_middle_square(opaque)), facts


def why_not(error: Exception) -> str:
    """Returns in a few words why `read` could not read a file."""
    if isinstance(error, UnidentifiedImageError):
        return "no picture that Pillow knows"  # its own words repeat the path
    if isinstance(error, FileNotFoundError):
        return "a link that leads nowhere"
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said.partition("\n")[0] or type(error).__name__


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """Returns a picture as its EXIF wants it, and whether that turned it."""
    # Pillow turns a TIFF itself when it loads it, and forgets the orientation. It tells that of a
    # PNG only then.
    was_turned = image.format == "TIFF" and _turn(image) is not None
    image.load()
    turn = _turn(image)
    return (image, was_turned) if turn is None else (image.transpose(turn), True)


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # EXIF that is damaged raises anything, and the pixels may be whole
        return None


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """Returns a picture as RGB, and whether white came through."""
    if not image.has_transparency_data:
        return image.convert("RGB"), False  # grey becomes three equal channels
    layer = image.convert("RGBA")
    least_alpha = layer.getchannel("A").getextrema()[0]
    if least_alpha == 255:
        return layer.convert("RGB"), False
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB"), True


def _middle_square(image: Image.Image) -> Image.Image:
    if image.size == (SIDE, SIDE):
        return image
    width, height = image.size
    side = min(width, height)
    # The corner is a whole pixel, so that a picture of 32x33 is cut and not blurred.
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
