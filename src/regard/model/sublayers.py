"""Feed-forward networks and residual connections of the Transformer."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F

from regard.native.dropout import Dropout, ReLUDropout
from regard.native.linear import Linear


class FeedForward(nn.Module):
    """`W_2 f(W_1 x + b_1) + b_2` (Vaswani 2017, eq. 2).

    f is ReLU, GELU or SiLU (Hendrycks & Gimpel 2016 for the last two).

    Args:
        width: D.
        ff_size: Width of the hidden layer.
        activation: f, followed by the dropout of the hidden layer.
    """

    def __init__(self, width: int, ff_size: int, activation: nn.Module) -> None:
        super().__init__()
        self.widen = Linear(width, ff_size)
        self.narrow = Linear(ff_size, width)
        self.activation = activation
        _init_xavier(self.widen, self.narrow)

    def hidden(self, x: Tensor) -> Tensor:
        """`f(W_1 x + b_1)`: `(..., D)` to `(..., ff_size)`."""
        y: Tensor = self.activation(self.widen(x))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """`(B, T, D)` to `(B, T, D)`."""
        y: Tensor = self.narrow(self.hidden(x))
        return y


class SwiGLU(nn.Module):
    """`W_2 (swish(W_1 x) ⊙ V x)` (Shazeer 2020, eq. 6).

    Args:
        width: D.
        ff_size: Width of the hidden layer.
        dropout: Probability, on the hidden layer.
    """

    def __init__(self, width: int, ff_size: int, *, dropout: float) -> None:
        super().__init__()
        self.gate = Linear(width, ff_size, bias=False)
        self.widen = Linear(width, ff_size, bias=False)
        self.narrow = Linear(ff_size, width, bias=False)
        self.dropout = Dropout(dropout)
        _init_xavier(self.gate, self.widen, self.narrow)

    def hidden(self, x: Tensor) -> Tensor:
        """`swish(W_1 x) ⊙ V x`: `(..., D)` to `(..., ff_size)`."""
        y: Tensor = self.dropout(F.silu(self.gate(x)) * self.widen(x))
        return y

    def forward(self, x: Tensor) -> Tensor:
        """`(B, T, D)` to `(B, T, D)`."""
        y: Tensor = self.narrow(self.hidden(x))
        return y


def _init_xavier(*linears: nn.Linear) -> None:
    for linear in linears:
        nn.init.xavier_uniform_(linear.weight)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)


def feed_forward(activation: str, width: int, ff_size: int, *, dropout: float) -> nn.Module:
    """The feed-forward network with a given activation.

    Args:
        activation: `relu`, `gelu`, `silu` or `swiglu`.
        width: D.
        ff_size: Width of the hidden layer.
        dropout: Probability, on the hidden layer.

    Returns:
        A module from `(B, T, D)` to `(B, T, D)`.
    """
    if activation == "swiglu":
        return SwiGLU(width, ff_size, dropout=dropout)
    if activation == "relu":
        return FeedForward(width, ff_size, ReLUDropout(dropout))
    function = {"gelu": nn.GELU, "silu": nn.SiLU}[activation]()
    return FeedForward(width, ff_size, nn.Sequential(function, Dropout(dropout)))


class Residual(nn.Module, ABC):
    """The residual connection around a sublayer: `x = after(x, sublayer(before(x)))`.

    Args:
        width: D.
        dropout: Probability, on the sublayer's output.
    """

    def __init__(self, width: int, *, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    @abstractmethod
    def before(self, x: Tensor) -> Tensor:
        """The input of the sublayer, `(..., D)`, computed from x, `(..., D)`."""

    @abstractmethod
    def normalized(self, total: Tensor) -> Tensor:
        """The output of the connection, `(..., D)`, from the sum of x and the sublayer's output, `(..., D)`."""

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the connection's input and the sublayer's output with dropout, not normalized.

        Args:
            x: `(..., D)`.
            y: `(..., D)`, without dropout.

        Returns:
            `(..., D)`.
        """
        total: Tensor = x + self.dropout(y)
        return total

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        """The output of the connection: adds the sublayer's output, after dropout, to x.

        Args:
            x: Input of the connection, `(..., D)`.
            y: Output of the sublayer before dropout, `(..., D)`.

        Returns:
            `(..., D)`.
        """
        return self.normalized(self.add(x, y))


class PreNorm(Residual):
    """`x + sublayer(norm(x))` (Xiong et al. 2020); the residual x itself is never normalized."""

    def before(self, x: Tensor) -> Tensor:
        """Normalizes x; see `Residual.before`."""
        y: Tensor = self.norm(x)
        return y

    def normalized(self, total: Tensor) -> Tensor:
        """Returns the sum as it is; see `Residual.normalized`."""
        return total


class PostNorm(Residual):
    """`norm(x + sublayer(x))` (Vaswani 2017, §3.1)."""

    def before(self, x: Tensor) -> Tensor:
        """Returns x as it is; see `Residual.before`."""
        return x

    def normalized(self, total: Tensor) -> Tensor:
        """Normalizes the sum; see `Residual.normalized`."""
        y: Tensor = self.norm(total)
        return y


RESIDUALS: dict[str, type[PreNorm] | type[PostNorm]] = {"pre": PreNorm, "post": PostNorm}
"""By `TransformerConfig.norm`."""
