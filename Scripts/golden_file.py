"""How the generators of golden data write it: one npz a family, with its cases as JSON in the member `cases`."""

import json
import pathlib
import zipfile

import numpy as np

# Types that NumPy has no name for.
try:
    import ml_dtypes

    BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
except ImportError:
    BFLOAT16 = None


class GoldenFile:
    """Cases of one family; equal arrays are kept once."""

    def __init__(self, name):
        self.name = name
        self.cases = []
        self.arrays = {}
        self.members = {}

    def array(self, value):
        """The member that holds the array."""
        value = np.asarray(value)
        if not value.flags.c_contiguous:
            value = np.ascontiguousarray(value).reshape(value.shape)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self.members:
            member = f"a{len(self.members)}"
            self.members[key] = member
            self.arrays[member] = value
        return self.members[key]

    def case(self, name, operation, inputs, outputs, attributes=None, **more):
        """Adds a case; an input is an array, None, or an array with the views that the test has to take of it."""
        self.cases.append({
            "name": name,
            "operation": operation,
            "inputs": [self._input(value) for value in inputs],
            "outputs": [{"array": self.array(value)} for value in outputs],
            **({"attributes": attributes} if attributes else {}),
            **more,
        })

    def _input(self, value):
        if value is None:
            return None
        if isinstance(value, tuple):
            base, views = value
            return {"array": self.array(base), "views": views}
        return {"array": self.array(value)}

    def write(self, folder):
        """Writes the file; the same cases make the same bytes."""
        path = pathlib.Path(folder) / f"{self.name}.npz"
        text = json.dumps(self.cases, separators=(",", ":"), sort_keys=True).encode()
        members = {"cases": np.frombuffer(text, np.uint8), **self.arrays}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, value in members.items():
                # Without a time of its own, so that nothing but the data changes the file.
                entry = zipfile.ZipInfo(name + ".npy")
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w") as member:
                    np.lib.format.write_array(member, value, allow_pickle=False)
        return path.stat().st_size
