"""Write scikit-learn's digits as a folder of images, to show the layout that `--data FOLDER` reads.

python examples/digits_folder.py [FOLDER]          runs/digits by default

    FOLDER/train/CLASS/*.png     FOLDER/test/CLASS/*.png     (FOLDER/validation/CLASS/*.png, if you have one)
"""

import sys
from pathlib import Path

from PIL import Image

import spikewright as sw


def main() -> None:
    """Write train and test, a folder for each class."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/digits")
    digits = sw.data.load("digits")
    for name, split in (("train", digits.train), ("validation", digits.validation), ("test", digits.test)):
        for index, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            file = root / name / str(label) / f"{index:04}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0]).save(file)


if __name__ == "__main__":
    main()
