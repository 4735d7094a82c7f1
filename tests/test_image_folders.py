"""Folders of images: each trains on what the line says, or is refused by name."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
from PIL import Image, ImageSequence

from train import batches, data
from train.data import image_folder, picture
from train.errors import UserError
from train.folder.log import read_metrics
from train.run.loop import run

pytestmark = pytest.mark.usefixtures("unoptimized")

SEED = np.random.default_rng(0)


def noise(*size: int) -> np.ndarray:
    """Pixels of an image of (height, width), by default 32x32, in three channels."""
    return SEED.integers(0, 256, (*(size or (32, 32)), 3), np.uint8)


def save(file: Path, pixels: Any, **how: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, **how)


def write(file: Path, content: bytes = b"") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


@dataclasses.dataclass
class Expected:
    """The pixels of a folder by split and class, in the order of the files."""

    train: dict[str, list[np.ndarray]]
    test: dict[str, list[np.ndarray]]
    says: list[str]


def pets(root: Path, train: int = 2, test: int = 1) -> Expected:
    """A plain folder of cats and dogs, which the cases below change."""
    expected = Expected({"cat": [], "dog": []}, {"cat": [], "dog": []}, [])
    for split, num in (("train", train), ("test", test)):
        for name in ("cat", "dog"):
            for i in range(num):
                pixels = noise()
                save(root / split / name / f"{i}.png", pixels)
                getattr(expected, split)[name].append(pixels)
    return expected


# Folders that train. Each makes a folder and returns what must be read.


def plain(root):
    expected = pets(root)
    expected.says = [
        f"{root} holds 4 training and 2 test images of 2 classes: cat 2 and 1, dog 2 and 1. "
        "The formats are PNG (6). 6 are 32x32 pixels."
    ]
    return expected


def twenty_of_24_dogs_are_bmp(root):
    expected = pets(root, train=0)
    for i in range(24):
        expected.train["dog"].append(noise())
        save(root / f"train/dog/{i:02}.{'png' if i < 4 else 'bmp'}", expected.train["dog"][i])
    expected.train["cat"].append(noise())
    save(root / "train/cat/a.bmp", expected.train["cat"][0])
    expected.says = ["25 training", "cat 1 and 1, dog 24 and 1", "BMP (21), PNG (6)"]
    return expected


Image.init()
LOSSLESS = {
    "apng": "PNG",
    "bmp": "BMP",
    "dib": "DIB",
    "pcx": "PCX",
    "png": "PNG",
    "pnm": "PPM",
    "ppm": "PPM",
    "qoi": "QOI",
    "rgb": "SGI",
    "sgi": "SGI",
    "tga": "TGA",
    "tif": "TIFF",
    "tiff": "TIFF",
}


def formats_without_loss(root):
    expected = pets(root, train=1)
    written = [ending for ending, form in LOSSLESS.items() if form in Image.SAVE]
    for ending in written:
        pixels = noise()
        expected.train["dog"].append(pixels)
        save(root / f"train/dog/x.{ending}", pixels)
    save(root / "train/dog/y.webp", pixels, lossless=True)
    expected.train["dog"].append(pixels)
    num = len(written) + 5  # and the pets, and the file of WebP
    expected.says = ["PNG (6), PPM (2), SGI (2), TIFF (2)", f"{num} are 32x32 pixels."]
    return expected


def formats_with_loss(root):
    expected = pets(root, train=1)
    smooth = np.array(Image.fromarray(noise(4, 4)).resize((32, 32)))
    for ending in ("jfif", "jp2", "jpe", "jpeg", "jpg", "webp"):
        file = root / f"train/dog/x.{ending}"
        save(file, smooth)
        with Image.open(file) as image:
            expected.train["dog"].append(np.asarray(image.convert("RGB")))
        assert np.abs(expected.train["dog"][-1].astype(int) - smooth).mean() < 8
    expected.says = ["dog 7 and 1", "JPEG (4), PNG (4), JPEG2000 (1), WEBP (1)"]
    return expected


def endings_in_any_case(root):
    expected = pets(root, train=1)
    for i, ending in enumerate(("BMP", "Png", "TIF", "TiFf")):
        expected.train["cat"].append(noise())
        save(root / f"train/cat/{i + 1}.{ending}", expected.train["cat"][-1])
    expected.says = ["cat 5 and 1"]
    return expected


def ending_that_lies(root):
    expected = pets(root)
    save(root / "train/cat/1.jpg", expected.train["cat"][1], format="PNG")
    (root / "train/cat/1.png").unlink()
    expected.says = ["The formats are PNG (6)."]
    return expected


def nested(root):
    expected = pets(root)
    for place in ("a/1.png", "b/c/d/2.png", "z.png"):  # by name, behind 0.png and 1.png
        expected.train["dog"].append(noise())
        save(root / "train/dog" / place, expected.train["dog"][-1])
    save(root / "test/cat/deep/er.png", expected.train["dog"][0])
    expected.test["cat"].append(expected.train["dog"][0])
    expected.says = ["cat 2 and 2, dog 5 and 1", "3 lie in folders inside those of the classes."]
    return expected


def hidden_and_system_files(root):
    expected = pets(root)
    for place in (
        ".DS_Store",
        "train/.DS_Store",
        "train/cat/.DS_Store",
        "train/cat/Thumbs.db",
        "train/cat/._0.png",
        "train/dog/desktop.ini",
        "train/dog/.cache/0.png",
        "train/dog/@eaDir/0.png",
        "train/.ipynb_checkpoints/0.png",
        "train/__MACOSX/cat/0.png",
        "__MACOSX/train/cat/0.png",
    ):
        write(root / place, b"not a picture")
    expected.says = ["of 2 classes: cat 2 and 1, dog 2 and 1. The formats are PNG (6). 6 are 32x32"]
    return expected


def other_files(root):
    expected = pets(root)
    for place in ("0.txt", "1.txt", "2.TXT", "README", "x.heic", "x.pdf", "x.h5"):
        write(root / "train/dog" / place, b"not a picture")
    write(root / "train/labels.csv")
    save(root / "test/lost.png", noise())
    write(root / "LICENSE")
    expected.says = [
        "7 files are skipped, because Pillow does not read them: .txt (3), .h5 (1), .heic (1), "
        ".pdf (1), no ending (1).",
        "2 files are skipped, because they lie in no folder of a class.",
        "What lies beside train and test is not read: LICENSE.",
    ]
    return expected


def sizes(root):
    expected = pets(root, train=0)
    tall, wide, odd = noise(41, 32), noise(32, 100), noise(33, 32)
    for name, pixels, read in (
        ("a", tall, tall[4:36]),  # of 9 rows too many, 4 above and 5 below
        ("b", wide, wide[:, 34:66]),
        ("c", odd, odd[:32]),
        ("d", np.full((8, 8, 3), 77, np.uint8), np.full((32, 32, 3), 77, np.uint8)),
        ("e", np.full((300, 500, 3), 99, np.uint8), np.full((32, 32, 3), 99, np.uint8)),
    ):
        save(root / f"train/cat/{name}.png", pixels)
        expected.train["cat"].append(read)
    photo = noise(60, 90)
    fine = np.zeros((128, 180, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 254
    for name, pixels, square in (("a", fine, fine[:, 26:154]), ("b", photo, photo[:, 15:75])):
        save(root / f"train/dog/{name}.png", pixels)
        scaled = Image.fromarray(square).resize((32, 32), Image.Resampling.BICUBIC)
        expected.train["dog"].append(np.asarray(scaled))
    # Without antialiasing, the fine pattern would be black or white.
    assert np.abs(expected.train["dog"][0].astype(int) - 127).max() <= 1
    expected.says = [
        "2 are 32x32 pixels. 7 of other sizes are scaled, the middle square to 32x32: "
        "100x32 (1), 180x128 (1), 32x33 (1) and 4 more."
    ]
    return expected


def transparent(root):
    expected = pets(root)
    colours = noise()
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[:8], alpha[8:16] = 0, 51  # of 255, a fifth
    on_white = colours.copy()
    on_white[:8] = 255
    mixed = colours[8:16].astype(int) * 51 + 255 * 204
    on_white[8:16] = (mixed + 127) // 255
    rgba = np.dstack([colours, alpha])
    grey = np.dstack([colours[..., 0], alpha])
    for i, pixels in enumerate((rgba, grey)):
        save(root / f"train/cat/{i + 2}.png", pixels)
    save(root / "train/cat/4.webp", rgba, lossless=True, exact=True)
    save(root / "train/cat/5.tif", rgba)
    save(root / "train/cat/6.png", np.dstack([colours, np.full((32, 32), 255, np.uint8)]))
    on_white_grey = np.repeat(on_white[..., :1], 3, axis=-1)
    expected.train["cat"] += [on_white, on_white_grey, on_white, on_white, colours]
    expected.says = ["cat 7 and 1", "4 with transparent pixels are laid on white."]
    return expected


def transparent_colour(root):
    """One colour is transparent: of a palette (PNG and GIF), of grey, of RGB."""
    expected = pets(root)
    which = SEED.integers(0, 4, (32, 32))
    colours = np.array([[255, 0, 0], [0, 255, 0], [9, 9, 9], [200, 100, 50]], np.uint8)
    palette = Image.fromarray(which.astype(np.uint8)).convert("P")
    palette.putpalette(colours.tobytes())
    seen = colours.copy()
    seen[1] = 255
    grey = np.array([0, 50, 100, 200], np.uint8)
    seen_grey = np.array([0, 255, 100, 200], np.uint8)
    save(root / "train/dog/2.png", palette, transparency=1)
    save(root / "train/dog/3.gif", palette, transparency=1)
    save(root / "train/dog/4.png", grey[which], transparency=50)
    save(root / "train/dog/5.png", colours[which], transparency=(0, 255, 0))
    save(root / "train/dog/6.png", palette, transparency=bytes([255, 0]))
    expected.train["dog"] += [seen[which]] * 2 + [np.repeat(seen_grey[which][..., None], 3, -1)]
    expected.train["dog"] += [seen[which]] * 2
    expected.says = ["dog 7 and 1", "5 with transparent pixels are laid on white.", "GIF (1)"]
    return expected


def turned(root):
    expected = pets(root, train=1)
    upright = noise()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: np.rot90(upright.transpose(1, 0, 2), 2),
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    for orientation, pixels in stored.items():
        exif[0x0112] = orientation
        for ending in ("png", "tif", "webp"):
            file = root / f"train/cat/{orientation}.{ending}"
            save(file, np.ascontiguousarray(pixels), exif=exif, lossless=True)
            expected.train["cat"].append(upright)
    exif[0x0112] = 6
    tall = noise(40, 32)
    save(root / "train/dog/tall.png", np.ascontiguousarray(np.rot90(tall)), exif=exif)
    expected.train["dog"].append(tall[4:36])
    expected.says = ["cat 25 and 1", "22 are turned upright, as EXIF says.", "32x40 (1)."]
    return expected


def exif_that_is_damaged(root):
    expected = pets(root)
    save(root / "train/cat/2.png", expected.train["cat"][0], exif=b"Exif\0\0nonsense")
    expected.train["cat"].append(expected.train["cat"][0])
    expected.says = ["cat 3 and 1"]
    return expected


def several_frames(root):
    expected = pets(root)
    frames = [Image.fromarray(np.full((32, 32), grey, np.uint8)) for grey in (40, 90, 200)]
    more = {"save_all": True, "append_images": frames[1:]}
    save(root / "train/cat/2.gif", frames[0], **more)
    colour = [frame.convert("RGB") for frame in frames]
    more = {"save_all": True, "append_images": colour[1:]}
    save(root / "train/cat/3.webp", colour[0], **more, lossless=True)
    save(root / "train/cat/4.tif", frames[0], **more)
    save(root / "train/cat/5.png", frames[0], **more)
    for file in (root / "train/cat").iterdir():
        if file.stem >= "2":
            with Image.open(file) as image:
                assert len(list(ImageSequence.Iterator(image))) == 3
    expected.train["cat"] += [np.full((32, 32, 3), 40, np.uint8)] * 4
    expected.says = ["cat 6 and 1", "Of 4 with several frames the first is taken."]
    return expected


def other_colours(root):
    """Grey, black and white, and the inks of a printer."""
    expected = pets(root)
    grey = noise()[..., 0]
    bits = grey > 127
    for i, image in enumerate((Image.fromarray(grey), Image.fromarray(bits))):
        save(root / f"train/cat/{i + 2}.png", image)
    expected.train["cat"] += [np.repeat(x[..., None], 3, -1) for x in (grey, bits * np.uint8(255))]
    cmyk = Image.fromarray(noise()).convert("CMYK")
    save(root / "train/dog/2.tif", cmyk)
    expected.train["dog"].append(np.asarray(cmyk.convert("RGB")))
    expected.says = ["cat 4 and 1, dog 3 and 1", "1 is converted to RGB: CMYK (1)."]
    return expected


def links(root):
    expected = pets(root)
    save(root.parent / "elsewhere/e.png", noise())
    save(root.parent / "elsewhere/f.png", noise())
    for name in ("e", "f"):
        with Image.open(root.parent / f"elsewhere/{name}.png") as image:
            expected.train["cat"].append(np.asarray(image))
    (root / "train/cat/more").symlink_to(root.parent / "elsewhere")
    (root / "train/cat/round").symlink_to(root / "train/cat")
    (root / "train/dog/2.png").symlink_to(root / "train/dog/0.png")
    expected.train["dog"].append(expected.train["dog"][0])
    expected.says = ["cat 4 and 1, dog 3 and 1", "a link to a folder above it (1)"]
    return expected


def pipe(root):
    expected = pets(root)
    os.mkfifo(root / "train/cat/p.png")
    expected.says = ["1 file is skipped, because Pillow does not read it: a pipe or device (1)."]
    return expected


def one_class(root):
    expected = pets(root)
    for split in ("train", "test"):
        shutil.rmtree(root / split / "dog")
        del getattr(expected, split)["dog"]
    expected.says = ["1 class: cat 2 and 1. With one class only there is nothing to learn"]
    return expected


def classes_120(root):
    expected = Expected({}, {}, [])
    for label in range(120):
        name = f"breed {label:03}"
        expected.train[name] = [noise() for _ in range(1 + label % 3)]
        expected.test[name] = [noise()] if label else []
        for split in ("train", "test"):
            for i, pixels in enumerate(getattr(expected, split)[name]):
                save(root / split / name / f"{i}.bmp", pixels)
    expected.says = [
        "240 training and 119 test images of 120 classes: each has 1 to 3 training and 0 to 1 test",
        "breed 000 has no test image.",
    ]
    return expected


def class_without_test_image(root):
    expected = pets(root)
    shutil.rmtree(root / "test/dog")
    expected.test["dog"] = []
    expected.says = ["dog 2 and 0. dog has no test image."]
    return expected


def val_beside(root):
    expected = pets(root)
    save(root / "valid/cat/0.png", noise())
    expected.says = [
        "What lies beside train and test is not read: valid. "
        "Instead, `validation_fraction` holds images out of train."
    ]
    return expected


def names_of_all_kinds(root):
    expected = pets(root)
    for i, name in enumerate(("ein Büro.png", "猫.png", os.fsdecode(b"\xff.png"))):
        expected.train["dog"].append(noise())
        (root / "train/dog/sub").mkdir(exist_ok=True)
        save(root / "train/dog/sub/new.png", expected.train["dog"][-1])
        os.rename(root / "train/dog/sub/new.png", root / f"train/dog/sub/{i} {name}")
    name = os.fsdecode(b"eel\xff")  # bytes that are no text
    expected.train[name], expected.test[name] = [noise()], []
    save(root / "train/eel/0.png", expected.train[name][0])
    (root / "train/eel").rename(root / "train" / name)
    expected.says = ["dog 5 and 1, eel? 1 and 0. eel? has no test image."]
    return expected


TRAINS = [
    plain,
    twenty_of_24_dogs_are_bmp,
    formats_without_loss,
    formats_with_loss,
    endings_in_any_case,
    ending_that_lies,
    nested,
    hidden_and_system_files,
    other_files,
    sizes,
    transparent,
    transparent_colour,
    turned,
    exif_that_is_damaged,
    several_frames,
    other_colours,
    links,
    pipe,
    one_class,
    classes_120,
    class_without_test_image,
    val_beside,
    names_of_all_kinds,
]


@pytest.mark.parametrize("make", TRAINS, ids=lambda make: make.__name__)
def test_a_folder_is_read_picture_by_picture_and_the_line_says_so(
    make: Callable[[Path], Expected], tmp_path, capsys
):
    expected = make(tmp_path / "pets")
    dataset = data.load(str(tmp_path / "pets"), cache_dir=tmp_path / "cache")
    assert dataset.class_names == tuple(sorted(expected.train))
    for split in ("train", "test"):
        found, wanted = getattr(dataset, split), getattr(expected, split)
        labels = [label for label, name in enumerate(dataset.class_names) for _ in wanted[name]]
        assert found.labels.tolist() == labels
        pixels = [image for name in dataset.class_names for image in wanted[name]]
        for i, (one, other) in enumerate(zip(found.images, pixels, strict=True)):
            np.testing.assert_array_equal(one, other, err_msg=f"{split} {i}")
    for words in expected.says:
        assert words in dataset.found
    assert dataset.found in capsys.readouterr().err.splitlines()


# Folders that are refused. Each makes a folder and returns what the message must say.


def not_there(root):
    return f"`dataset` must be the path of an image folder, and {root} is not there."


def file_in_its_place(root):
    write(root)
    return f"{root} is a file. Give the folder that holds train and test."


def empty(root):
    root.mkdir()
    return f"train and test are missing. Put images into {root}/train/<class> and {root}/test/<c"


def classes_without_splits(root):
    for name in ("cat", "dog", "eel", "fox"):
        save(root / name / "0.png", noise())
    return f"It holds cat, dog, eel and 1 more. If these are the classes, move them to {root}/train"


def one_folder_too_high(root):
    pets(root / "pets-v2")
    return f"Give the path of {root}/pets-v2, which holds them."


def splits_with_capitals(root):
    pets(root / "x")
    (root / "x/train").rename(root / "Training")
    (root / "x/test").rename(root / "TEST")
    shutil.rmtree(root / "x")
    return "Rename TEST, Training: the names must be train and test, in small letters."


def val_without_test(root):
    pets(root)
    (root / "test").rename(root / "val")
    return "test is missing. Rename val to test if its images are to test with."


def no_test(root):
    pets(root)
    shutil.rmtree(root / "test")
    return f"Move some images of each class to {root}/test/<class>."


def test_without_images(root):
    pets(root)
    shutil.rmtree(root / "test/cat")
    (root / "test/dog/0.png").rename(root / "test/dog/0.dat")
    return f"The test split of {root} must hold images, it holds none. Put them into "


test_without_images.__test__ = False


def pictures_in_no_class(root):
    for split in ("train", "test"):
        save(root / split / "0.png", noise())
    return f"The train split of {root} must hold images, it holds none. Put them into {root}/train/"


def class_of_heic(root):
    pets(root)
    for i in range(2):
        (root / f"train/dog/{i}.png").rename(root / f"train/dog/{i}.heic")
    return (
        f"Each class must have training images, dog in {root}/train has none. Add some, or remove "
        "the class. Skipped there, because Pillow reads no such file: .heic (2)."
    )


def empty_class(root):
    pets(root)
    (root / "train/eel").mkdir()
    return "Each class must have training images, eel in"


def class_in_test_alone(root):
    pets(root)
    (root / "test/dog").rename(root / "test/dogs")
    return f"Each class in {root}/test must be in train too, and dogs is not. Did you mean dog?"


def broken(root):
    """Six files in six ways, each of which is counted."""
    pets(root, train=4)
    write(root / "train/cat/0.png")
    write(root / "train/cat/1.png", b"hello")
    file = root / "train/cat/2.png"
    file.write_bytes(file.read_bytes()[:500])
    save(root / "train/dog/a.jpg", noise(64, 64))
    file = root / "train/dog/a.jpg"
    file.write_bytes(file.read_bytes()[:900])
    save(root / "train/dog/b.tif", noise())
    file = root / "train/dog/b.tif"
    file.write_bytes(file.read_bytes()[:60])
    save(root / "test/dog/c.gif", Image.fromarray(noise()).quantize())
    file = root / "test/dog/c.gif"
    file.write_bytes(file.read_bytes()[:800])
    return (
        f"6 of 13 in {root} cannot be read: train/cat/0.png (no picture that Pillow knows), "
        "train/cat/1.png (no picture that Pillow knows), train/cat/2.png ("
    )


def sixteen_bits(root):
    pets(root)
    deep = np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64
    save(root / "train/cat/0.png", deep)
    save(root / "train/cat/1.tif", deep.astype(np.float32))
    return (
        f"2 of 7 in {root} cannot be read: train/cat/0.png (its mode I;16 has no 8 bits a channel),"
        " train/cat/1.tif (its mode F has no 8 bits a channel). Replace or remove them."
    )


def links_to_nowhere(root):
    pets(root)
    (root / "train/cat/2.png").symlink_to("gone.png")
    (root / "train/cat/more").symlink_to("gone")
    (root / "train/eel").symlink_to("gone")
    return "3 in {} lead nowhere: train/cat/2.png, train/cat/more, train/eel."


REFUSED = [
    not_there,
    file_in_its_place,
    empty,
    classes_without_splits,
    one_folder_too_high,
    splits_with_capitals,
    val_without_test,
    no_test,
    test_without_images,
    pictures_in_no_class,
    class_of_heic,
    empty_class,
    class_in_test_alone,
    broken,
    sixteen_bits,
    links_to_nowhere,
]


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_a_folder_that_cannot_be_used_is_refused_by_name(
    make: Callable[[Path], str], tmp_path, capsys
):
    message = make(tmp_path / "pets").replace("{}", str(tmp_path / "pets"))
    with pytest.raises(UserError) as refused:
        data.load(str(tmp_path / "pets"), cache_dir=tmp_path / "cache")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_may_not_be_read_is_refused_and_no_image_is_lost(tmp_path, monkeypatch):
    def listed(folder):
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return visible(folder)

    visible = image_folder._visible
    monkeypatch.setattr(image_folder, "_visible", listed)
    pets(tmp_path / "pets")
    save(tmp_path / "pets/train/cat/locked/0.png", noise())
    with pytest.raises(UserError, match="must be readable as a whole: .*denied: '.*/locked'. Mend"):
        data.load(str(tmp_path / "pets"), cache_dir=tmp_path / "cache")


def test_all_endings_that_pillow_registers_are_read_but_those_without_a_decoder():
    known = set(Image.registered_extensions())
    assert {".bmp", ".gif", ".jfif", ".jpe", ".tif", ".tiff", ".webp"} <= picture.endings()
    dropped = {Image.registered_extensions()[ending] for ending in known - picture.endings()}
    assert dropped == {"BUFR", "GRIB", "HDF5", "MPEG", "PALM", "PDF", "WMF"}


# The cache


def test_the_line_comes_from_the_cache_too_and_follows_the_folder(tmp_path, capsys):
    root = tmp_path / "pets"
    pets(root)
    said = []
    for change in (None, None, "train/cat/note.txt", None):
        if change:
            write(root / change)
        data._decoded.cache_clear()  # as in another process
        data._tell.cache_clear()
        said.append(data.load(str(root), cache_dir=tmp_path / "cache").found)
        error = capsys.readouterr().err.splitlines()
        assert error[-1] == said[-1]
        assert len(error) == (1 if len(said) in (2, 4) else 2)
    assert said[0] == said[1] != said[2] == said[3]
    assert "1 file is skipped, because Pillow does not read it: .txt (1)." in said[2]


def test_another_rule_of_conversion_decodes_anew(tmp_path, monkeypatch, capsys):
    pets(tmp_path / "pets")
    data.load(str(tmp_path / "pets"), cache_dir=tmp_path / "cache")
    monkeypatch.setattr(picture, "RULE", "another")
    data.load(str(tmp_path / "pets"), cache_dir=tmp_path / "cache")
    assert "its source has changed" in capsys.readouterr().err


def test_a_folder_written_in_several_ways_is_decoded_once(tmp_path, monkeypatch, capsys):
    pets(tmp_path / "pets")
    (tmp_path / "link").symlink_to("pets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    ways = ("pets", "./pets", "pets/", "~/pets", "link", "pets/../pets", str(tmp_path / "pets"))
    digests = {data.load(way, cache_dir="~/cache").digest for way in ways}
    assert len(digests) == 1
    assert capsys.readouterr().err.count("Decoding") == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


# Parts of the training images


def rare(root: Path) -> Path:
    """A folder of 40 cats, and of one dog and one eel."""
    for name, num in (("cat", 40), ("dog", 1), ("eel", 1)):
        for i in range(num):
            save(root / "train" / name / f"{i:02}.png", noise())
    save(root / "test/cat/0.png", noise())
    return root


def images(split):
    return sorted(image.tobytes() for image in split.images)


@pytest.mark.parametrize("seed", range(12))
def test_a_validation_split_leaves_each_class_a_training_image(seed, tmp_path):
    root = str(rare(tmp_path / "pets"))
    load = {"cache_dir": tmp_path / "cache", "validation_fraction": 0.5, "seed": seed}
    parted = data.load(root, **load)
    whole = data.load(root, cache_dir=tmp_path / "cache")
    counts = np.bincount(parted.train.labels, minlength=3)
    assert counts.tolist() == [19, 1, 1] and len(parted.validation.labels) == 21
    assert sorted(images(parted.train) + images(parted.validation)) == images(whole.train)


def test_a_part_of_the_training_images_has_each_class(tmp_path):
    root = str(rare(tmp_path / "pets"))
    for num in (3, 5, 20):
        part = data.load(root, cache_dir=tmp_path / "cache", num_train_images=num)
        assert np.bincount(part.train.labels).tolist() == [num - 2, 1, 1]
    with pytest.raises(
        UserError, match="`num_train_images` must leave .* the 3 classes, got 2, wh"
    ):
        data.load(root, cache_dir=tmp_path / "cache", num_train_images=2)
    with pytest.raises(UserError, match="`validation_fraction` must leave .* got 0.95, which leav"):
        data.load(root, cache_dir=tmp_path / "cache", validation_fraction=0.95)


def test_parts_that_lose_no_class_are_those_of_the_permutation_alone(tmp_path):
    load = {"num_train_images": 200, "validation_fraction": 0.1, "seed": 7}
    whole, parted = data.load("digits"), data.load("digits", **load)
    part = np.sort(batches.order(0, data._PART, 1437)[:200])
    order = batches.order(7, data._HELD_OUT, 200)
    for split, rows in ((parted.train, order[20:]), (parted.validation, order[:20])):
        np.testing.assert_array_equal(split.images, whole.train.images[part[np.sort(rows)]])
        np.testing.assert_array_equal(split.labels, whole.train.labels[part[np.sort(rows)]])


# Whole runs


def test_a_run_on_a_mixed_folder_says_what_it_found_and_trains_on_all_of_it(tmp_path):
    root = tmp_path / "pets"
    pets(root, train=3)
    for i in range(10):
        save(root / f"train/dog/{i}.JPG", noise(48, 40))
        save(root / f"train/cat/more/{i}.gif", Image.fromarray(noise()).quantize())
    process = small.train(
        tmp_path, "--dataset", str(root), "--batch-size", "13", "--eval-batch-size", "2"
    )
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert (
        f"{root} holds 26 training and 2 test images of 2 classes: cat 13 and 1, dog 13 and 1. "
        "10 lie in folders inside those of the classes. The formats are GIF (10), JPEG (10), PNG "
        "(8). 18 are 32x32 pixels. 10 of other sizes are scaled, the middle square to 32x32: 40x48 "
        "(10)."
    ) in err.splitlines()
    lines = read_metrics(tmp_path / "run/metrics.jsonl")
    assert [line["step"] for line in lines if line["kind"] == "train"] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if line["kind"] == "eval"] == [2, 4]


@pytest.mark.filterwarnings("ignore:Attempting to set identical")  # its loss is 0 in the picture
def test_one_class_trains_and_each_answer_is_right(tmp_path):
    pets(tmp_path / "pets", train=4, test=4)
    for split in ("train", "test"):
        shutil.rmtree(tmp_path / "pets" / split / "dog")
    config = small.config(dataset=str(tmp_path / "pets"), batch_size=4, eval_batch_size=4, epochs=1)
    run(config, tmp_path / "run", is_quiet=True)
    lines = read_metrics(tmp_path / "run/metrics.jsonl")
    assert [(line["kind"], line["accuracy"]) for line in lines] == [("train", 1.0), ("eval", 1.0)]
