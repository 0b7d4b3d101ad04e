"""The corpus: the C++ headers of LLVM and MLIR 22, as one stream of tokens to train on and one that is held out."""

import hashlib
import json
import os
import pathlib

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

HEADERS = pathlib.Path("/usr/lib/llvm-22/include")
PARTS = ("llvm", "llvm-c", "mlir", "mlir-c")
VOCABULARY = 4096
BEGIN, END = "<bos>", "<eos>"
HELD_OUT_SHARE = 1 / 24


def headers(root=HEADERS):
    """Text by path relative to `root`, in the order of the paths; what TableGen wrote is left out."""
    paths = []
    for part in PARTS:
        for folder, _, names in os.walk(root / part, followlinks=True):
            paths += [pathlib.Path(folder, name) for name in names if name.endswith(".h")]
    if not paths:
        raise SystemExit(f"{root}: expects the headers of llvm-22-dev and libmlir-22-dev (see setup.sh)")
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}
    return {path: text for path, text in texts.items() if "TableGen'erated" not in text[:200]}


def is_held_out(path):
    """By the hash of the path, so that a new version of a package moves no file to the other side."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") < HELD_OUT_SHARE * 2**32


def train_tokenizer(texts):
    """Byte-level BPE; every text begins with BEGIN."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY, special_tokens=[BEGIN, END], initial_alphabet=alphabet, show_progress=False
        ),
    )
    begin = (BEGIN, tokenizer.token_to_id(BEGIN))
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[begin])
    return tokenizer


def token_bytes(tokenizer):
    """How many bytes of text each token stands for: byte-level tokens are spelled with one character a byte."""
    lengths = [len(tokenizer.id_to_token(token)) for token in range(tokenizer.get_vocab_size())]
    for special in (BEGIN, END):
        lengths[tokenizer.token_to_id(special)] = 0
    return np.array(lengths)


def split(texts):
    """(texts to train on, texts held out)."""
    return [[text for path, text in texts.items() if is_held_out(path) == side] for side in (False, True)]


def encode(tokenizer, texts):
    """One stream of tokens; every text has BEGIN before and END behind it."""
    end = tokenizer.token_to_id(END)
    return np.concatenate([np.array([*encoding.ids, end], np.uint16) for encoding in tokenizer.encode_batch(texts)])


def prepare(folder):
    """(tokens to train on, tokens held out, tokenizer); kept in `folder`, made anew when the headers are others."""
    texts = headers()
    digest = hashlib.sha256("".join(path + text for path, text in texts.items()).encode()).hexdigest()
    facts_file, tokenizer_file, tokens_file = (folder / name for name in ("corpus.json", "tokenizer.json", "tokens.npz"))
    if not (facts_file.exists() and tokens_file.exists()) or json.loads(facts_file.read_text())["sha256"] != digest:
        folder.mkdir(parents=True, exist_ok=True)
        parts = dict(zip(("train", "held_out"), split(texts), strict=True))
        tokenizer = train_tokenizer(parts["train"])
        tokenizer.save(str(tokenizer_file))
        tokens = {part: encode(tokenizer, contents) for part, contents in parts.items()}
        np.savez(tokens_file, **tokens)
        facts = {"sha256": digest}
        for part, contents in parts.items():
            size = sum(len(text.encode()) for text in contents)
            facts[part] = {"files": len(contents), "bytes": size, "tokens": len(tokens[part])}
        facts_file.write_text(json.dumps(facts, indent=2) + "\n")
    with np.load(tokens_file) as tokens:
        return tokens["train"], tokens["held_out"], Tokenizer.from_file(str(tokenizer_file))


def batch(tokens, step, size, length, seed):
    """The [size, length + 1] tokens of a step: every epoch cuts the stream at other places and shuffles the pieces."""
    pieces = (len(tokens) - length - 1) // length
    rows = []
    for index in range(step * size, (step + 1) * size):
        epoch, place = divmod(index, pieces)
        random = np.random.default_rng([seed, epoch])
        shift = int(random.integers(length))
        start = shift + length * int(random.permutation(pieces)[place])
        rows.append(tokens[start : start + length + 1])
    return np.stack(rows).astype(np.int32)
