"""Copies installed packages, and all that they need, to a folder."""

import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

target, wanted, done = Path(sys.argv[1]), sys.argv[2:], set()
while wanted:
    name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
    if name in done:
        continue
    done.add(name)
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue  # of another system, or only wanted by some
    wanted += [re.split(r"[^\w.-]", r)[0] for r in package.requires or [] if "extra ==" not in r]
    for file in package.files or []:
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), target / file)
