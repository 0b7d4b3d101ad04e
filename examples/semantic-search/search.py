#!/usr/bin/env python3
"""Semantic search: finds the sentences that are closest in meaning to each query.

Every sentence becomes a vector: the compiled model's last hidden states, averaged over the tokens and scaled
to length 1. The score of a sentence is the dot product with the query's vector, 1 for equal meaning.
"""

import argparse
import pathlib
import sys
import time

import numpy as np
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "runtime" / "python"))
import thresh  # noqa: E402

QUERIES = [
    "How do I bake bread?",
    "software performance",
    "exploring outer space",
    "animals that live with people",
    "What will the weather be like?",
]
BATCH = 8


class Embedder:
    """Sentences to unit vectors."""

    def __init__(self, library, tokenizer_file):
        self.model = thresh.Model(library)
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        # The file may ask for a fixed length: pad to the longest of a batch instead.
        self.tokenizer.enable_truncation(max_length=256)
        self.tokenizer.enable_padding()

    def embed_batch(self, sentences):
        encodings = self.tokenizer.encode_batch(sentences)
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], np.int64)
        states = self.model.run({"input_ids": ids, "attention_mask": mask})["last_hidden_state"]
        mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def embed(self, sentences):
        batches = [sentences[start : start + BATCH] for start in range(0, len(sentences), BATCH)]
        return np.concatenate([self.embed_batch(batch) for batch in batches])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("queries", nargs="*", default=QUERIES, help="what to look for (default: five examples)")
    parser.add_argument("--model", required=True, help="library that `thresh compile` made of all-MiniLM-L6-v2")
    parser.add_argument("--tokenizer", type=pathlib.Path, default=ROOT / ".cache/models/minilm/tokenizer.json")
    parser.add_argument("--sentences", type=pathlib.Path, default=HERE / "sentences.txt", help="one sentence a line")
    parser.add_argument("--top", type=int, default=3, help="sentences to print per query (default: %(default)s)")
    arguments = parser.parse_args()

    sentences = arguments.sentences.read_text(encoding="utf-8").splitlines()
    embedder = Embedder(arguments.model, arguments.tokenizer)
    start = time.perf_counter()
    vectors = embedder.embed(sentences)
    seconds = time.perf_counter() - start
    print(f"{len(sentences)} sentences embedded in {seconds * 1e3:.1f} ms, {seconds / len(sentences) * 1e3:.2f} ms each")

    for query in arguments.queries:
        start = time.perf_counter()
        scores = vectors @ embedder.embed([query])[0]
        milliseconds = (time.perf_counter() - start) * 1e3
        print(f"\n{query}   ({milliseconds:.1f} ms)")
        for index in np.argsort(-scores)[: arguments.top]:
            print(f"  {scores[index]:.3f}  {sentences[index]}")


if __name__ == "__main__":
    main()
