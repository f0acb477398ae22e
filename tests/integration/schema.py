"""The protocol's messages in Python, generated from proto/ by protoc when first
asked for: schema.load().Envelope, .Header, .CASE_FILE and so on."""

import atexit
import functools
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

SOURCE = Path(os.environ.get("CORRIDOR_SOURCE", Path(__file__).resolve().parents[2]))


@functools.lru_cache(maxsize=1)
def load():
    """One namespace with every message and enum value of corridor.v1."""
    out = tempfile.mkdtemp(prefix="schema-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    protos = sorted((SOURCE / "proto/corridor/v1").glob("*.proto"))
    subprocess.run(["protoc", f"-I{SOURCE / 'proto'}", f"--python_out={out}", *protos],
                   check=True, capture_output=True)
    sys.path.insert(0, out)
    names = types.SimpleNamespace()
    for proto in protos:
        module = importlib.import_module(f"corridor.v1.{proto.stem}_pb2")
        vars(names).update({k: v for k, v in vars(module).items() if not k.startswith("_")})
    return names
