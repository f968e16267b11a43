"""The work of the image loader with Pillow, for bench/loader.ts.

stdin: {"mode": "views" | "time", "samples": [{"path", "jitter", "flip", "box"}, ...]}, samples in the words of
    ImageTransform (lib/native.ts).
views: the pixels of both views of each sample, (3, 224, 224) and (3, 112, 112), as bytes on stdout.
time: {"seconds": CPU seconds for all samples, "pillow": version} on stdout.
"""

import json
import sys
import time

import numpy as np
import PIL
from PIL import Image, ImageEnhance

ENHANCE = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}


def views(sample):
    """datasets.py of the original: jitter and flip of the whole image, one crop, resized twice."""
    with Image.open(sample["path"]) as file:
        image = file.convert("RGB")
    for step in sample["jitter"]:
        image = ENHANCE[step["kind"]](image).enhance(step["factor"])
    if sample["flip"]:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    left, top, width, height = sample["box"]
    image = image.crop((left, top, left + width, top + height))
    pair = image.resize((224, 224), Image.BICUBIC), image.resize((112, 112), Image.LANCZOS)
    return [np.ascontiguousarray(np.asarray(view).transpose(2, 0, 1)) for view in pair]


job = json.load(sys.stdin)
if job["mode"] == "views":
    for sample in job["samples"]:
        for view in views(sample):
            sys.stdout.buffer.write(view.tobytes())
else:
    begin = time.process_time()
    for sample in job["samples"]:
        views(sample)
    print(json.dumps({"seconds": time.process_time() - begin, "pillow": PIL.__version__}))
