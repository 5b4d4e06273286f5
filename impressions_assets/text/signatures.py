"""MinHash signatures: a text in 512 bytes that tell how much of it another text shares.

The set behind a signature is every run of five words, so what counts is phrasing, not vocabulary.
Signatures are stored with the documents: finding near-duplicates then reads no text. Another
version of rensa's algorithm or another size makes other signatures: raise `documents`' stage
version with either.
"""

import re

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

Signatures = npt.NDArray[np.uint32]  # (documents, NUM_HASHES)

NUM_HASHES = 128
_WORDS_IN_A_RUN = 5
_SEED = 1
# Scripts that write no spaces count by character: a whole sentence would be one word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def signature_of(text: str) -> bytes:
    """The signature of a text; b"" when it has no words."""
    words = words_of(text)
    if not words:
        return b""
    later = (words[start:] for start in range(1, _WORDS_IN_A_RUN))
    runs = list(map(" ".join, zip(words, *later, strict=False)))
    sketch = RMinHash(num_perm=NUM_HASHES, seed=_SEED)
    sketch.update(runs or [" ".join(words)])
    return np.array(sketch.digest(), dtype="<u4").tobytes()


def words_of(text: str) -> list[str]:
    """The words in one case; the characters of scripts that write no spaces."""
    found: list[str] = _WORD.findall(text.casefold())
    return found


def signatures_in(column: list[bytes]) -> Signatures:
    """Stored signatures as the rows of a matrix."""
    return np.frombuffer(b"".join(column), dtype="<u4").reshape(-1, NUM_HASHES)


def similarities(one: npt.NDArray[np.uint32], others: Signatures) -> npt.NDArray[np.float64]:
    """Estimated share of runs that a text has in common with others (Jaccard, ±0.035 at 0.8)."""
    found: npt.NDArray[np.float64] = (others == one).mean(axis=1)
    return found
