"""`python -m thresh.generate`: continues a prompt on the command line; what `thresh run --prompt` runs."""

import argparse
import resource
import sys
from typing import NoReturn, Optional

from thresh import Model, ThreshError, set_num_threads
from thresh.session import GenerationStats
from thresh.tokenizer import stream_text

_ENDS = {"length": "the length asked for", "token": "a stop token", "context": "the end of the context"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="thresh run", description="Continues a prompt.", allow_abbrev=False)
    parser.add_argument("library", help="made by thresh compile")
    parser.add_argument("--prompt", required=True, help="the text to continue")
    parser.add_argument("--tokenizer", help="tokenizer.json or tokenizer.model (default: the one beside the library)")
    parser.add_argument("-n", type=int, default=64, help="most tokens to make")
    parser.add_argument("--greedy", action="store_true", help="take the likeliest token")
    parser.add_argument("--temperature", type=float, help="draw tokens at this temperature")
    parser.add_argument("--top-k", type=int, help="draw from this many of the likeliest")
    parser.add_argument("--top-p", type=float, help="draw from the likeliest that have this share")
    parser.add_argument("--repetition-penalty", type=float, help="divide the logits of tokens that the text has")
    parser.add_argument("--seed", type=int, default=0, help="draw other tokens")
    parser.add_argument("--threads", type=int, help="threads of parallel loops")
    parser.add_argument("--weights", help="weights file")
    parser.add_argument("--target", help="variant to run")
    return parser


def _rate(tokens: int, timed: int, seconds: float) -> str:
    return f"{tokens} tokens" + (f" at {timed / seconds:.2f} tokens/s" if timed and seconds > 0 else "")


def _usage(stats: GenerationStats) -> str:
    counts = (("active neurons", stats.active_neurons, "layer"), ("attended tokens", stats.attended_tokens, "head"))
    return "".join(f"{what} {count.mean:.1f} +- {count.deviation:.1f} a {of}, " for what, count, of in counts if count)


def _figures(stats: GenerationStats, model: Model) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    middle = stats.prompt_tokens + stats.decoded_tokens // 2
    touched, dense = model.touched_bytes(middle), model.dense_bytes(middle)
    against = f" (dense {dense / 1e6:.1f})" if dense > touched else ""
    return (
        f"prompt {_rate(stats.prompt_tokens, stats.prompt_tokens, stats.prompt_seconds)}, "
        f"generation {_rate(stats.generated_tokens, stats.decoded_tokens, stats.decode_seconds)}, "
        f"ended by {_ENDS[stats.stop]}, {_usage(stats)}"
        f"{f'{touched / 1e6:.1f} MB touched per token{against}, ' if touched else ''}"
        f"peak memory {peak / 1e6:.1f} MB{', approximate' if model.approximate else ''}"
    )


def _run(arguments: argparse.Namespace) -> None:
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    model = Model(arguments.library, weights=arguments.weights, target=arguments.target)
    tokenizer = model.tokenizer(arguments.tokenizer)
    generation = model.session().generate(
        tokenizer.encode(arguments.prompt),
        max_new_tokens=arguments.n,
        do_sample=False if arguments.greedy else None,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        repetition_penalty=arguments.repetition_penalty,
        seed=arguments.seed % 2**64,
    )
    for piece in stream_text(tokenizer, generation):
        print(piece, end="", flush=True)
    print()
    print(_figures(generation.stats, model), file=sys.stderr)


def main(arguments: Optional[list[str]] = None) -> int:
    """Returns the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        _run(parsed)
    except ThreshError as error:
        print(f"thresh run: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
