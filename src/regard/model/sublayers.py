"""Feed-forward networks and residual connections of the Transformer."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F

from regard.native.dropout import Dropout, ReLUDropout
from regard.native.linear import Linear


class FeedForward(nn.Module):
    """Feed-forward network of a Transformer layer, `W_2 f(W_1 x + b_1) + b_2` (Vaswani 2017, eq. 2).

    The activation f is ReLU, GELU or SiLU (Hendrycks & Gimpel 2016 for the last two).

    Args:
        width: D, the width of input and output.
        ff_size: Width of the hidden layer.
        activation: Module that computes f, followed by dropout.
    """

    def __init__(self, width: int, ff_size: int, activation: nn.Module) -> None:
        super().__init__()
        self.widen = Linear(width, ff_size)
        self.narrow = Linear(ff_size, width)
        self.activation = activation
        _init_xavier(self.widen, self.narrow)

    def hidden(self, x: Tensor) -> Tensor:
        """Computes the hidden layer, `f(W_1 x + b_1)`, with dropout: `(..., D)` to `(..., ff_size)`."""
        y: Tensor = self.activation(self.widen(x))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Runs the feed-forward network at every position: `(B, T, D)` to `(B, T, D)`."""
        y: Tensor = self.narrow(self.hidden(x))
        return y


class SwiGLU(nn.Module):
    """Feed-forward network with a gated hidden layer (SwiGLU), `W_2 (swish(W_1 x) ⊙ V x)` (Shazeer 2020, eq. 6).

    Args:
        width: D, the width of input and output.
        ff_size: Width of the hidden layer.
        dropout: Dropout rate of the hidden layer.
    """

    def __init__(self, width: int, ff_size: int, *, dropout: float) -> None:
        super().__init__()
        self.gate = Linear(width, ff_size, bias=False)
        self.widen = Linear(width, ff_size, bias=False)
        self.narrow = Linear(ff_size, width, bias=False)
        self.dropout = Dropout(dropout)
        _init_xavier(self.gate, self.widen, self.narrow)

    def hidden(self, x: Tensor) -> Tensor:
        """Computes the hidden layer, `swish(W_1 x) ⊙ V x`, with dropout: `(..., D)` to `(..., ff_size)`."""
        y: Tensor = self.dropout(F.silu(self.gate(x)) * self.widen(x))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Runs the feed-forward network at every position: `(B, T, D)` to `(B, T, D)`."""
        y: Tensor = self.narrow(self.hidden(x))
        return y


def _init_xavier(*linears: nn.Linear) -> None:
    for linear in linears:
        nn.init.xavier_uniform_(linear.weight)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)


def feed_forward(activation: str, width: int, ff_size: int, *, dropout: float) -> nn.Module:
    """Makes the feed-forward network of a Transformer layer with a given activation.

    Args:
        activation: `relu`, `gelu`, `silu` or `swiglu`.
        width: D, the width of input and output.
        ff_size: Width of the hidden layer.
        dropout: Dropout rate of the hidden layer.

    Returns:
        A module that maps `(B, T, D)` to `(B, T, D)`.
    """
    if activation == "swiglu":
        return SwiGLU(width, ff_size, dropout=dropout)
    if activation == "relu":
        return FeedForward(width, ff_size, ReLUDropout(dropout))
    function = {"gelu": nn.GELU, "silu": nn.SiLU}[activation]()
    return FeedForward(width, ff_size, nn.Sequential(function, Dropout(dropout)))


class Residual(nn.Module, ABC):
    """Base class of residual connections around a sublayer, with layer normalization before or after the sublayer.

    A layer computes `x = after(x, sublayer(before(x)))`.

    Args:
        width: D, the width of x.
        dropout: Dropout rate of the sublayer's output.
    """

    def __init__(self, width: int, *, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    @abstractmethod
    def before(self, x: Tensor) -> Tensor:
        """Computes the input of the sublayer, `(..., D)`, from the connection's input x, `(..., D)`."""

    @abstractmethod
    def normalized(self, total: Tensor) -> Tensor:
        """Computes the connection's output, `(..., D)`, from the sum of x and the sublayer's output, `(..., D)`."""

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """Adds the connection's input and the sublayer's output after dropout, without normalization.

        Args:
            x: Input of the connection, `(..., D)`.
            y: Output of the sublayer before dropout, `(..., D)`.

        Returns:
            The sum, `(..., D)`.
        """
        total: Tensor = x + self.dropout(y)
        return total

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        """Computes the output of the connection from its input and the sublayer's output.

        Args:
            x: Input of the connection, `(..., D)`.
            y: Output of the sublayer before dropout, `(..., D)`.

        Returns:
            The sum of x and y after dropout, normalized by a post-norm connection, `(..., D)`.
        """
        return self.normalized(self.add(x, y))


class PreNorm(Residual):
    """Pre-norm residual connection, `x + sublayer(norm(x))` (Xiong et al. 2020); the residual x is not normalized.

    Args:
        width: D, the width of x.
        dropout: Dropout rate of the sublayer's output.
    """

    def before(self, x: Tensor) -> Tensor:
        """Normalizes the input x, `(..., D)`, for the sublayer. See `Residual.before`."""
        y: Tensor = self.norm(x)
        return y

    def normalized(self, total: Tensor) -> Tensor:
        """Returns the sum of x and the sublayer's output, `(..., D)`, unchanged. See `Residual.normalized`."""
        return total


class PostNorm(Residual):
    """Post-norm residual connection, `norm(x + sublayer(x))` (Vaswani 2017, §3.1).

    Args:
        width: D, the width of x.
        dropout: Dropout rate of the sublayer's output.
    """

    def before(self, x: Tensor) -> Tensor:
        """Returns the input x, `(..., D)`, unchanged. See `Residual.before`."""
        return x

    def normalized(self, total: Tensor) -> Tensor:
        """Normalizes the sum of x and the sublayer's output, `(..., D)`. See `Residual.normalized`."""
        y: Tensor = self.norm(total)
        return y


RESIDUALS: dict[str, type[PreNorm] | type[PostNorm]] = {"pre": PreNorm, "post": PostNorm}
"""By `TransformerConfig.norm`."""
