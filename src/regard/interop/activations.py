"""Activation functions of feed-forward networks, without the dropout that follows them."""

from __future__ import annotations

from torch import nn

from regard.config.engines import engine_name
from regard.config.schema import EngineName
from regard.errors import ConfigError
from regard.native.dropout import Dropout


def activation_function(activation: nn.Module) -> nn.Module:
    """Finds the activation function of a feed-forward network, without the dropout that follows the function.

    Args:
        activation: Activation module of the network: a function, or a `nn.Sequential` of a function and dropout.

    Returns:
        The function if `activation` is such a sequence; otherwise `activation` itself.
    """
    if type(activation) is not nn.Sequential or not len(activation):
        return activation
    function, *rest = activation
    return function if all(isinstance(module, (Dropout, nn.Dropout)) for module in rest) else activation


def check_gelu(function: nn.Module, *, engine: EngineName) -> None:
    """Checks that an activation function is not an approximation of GELU.

    Args:
        function: Activation function of a feed-forward network.
        engine: Engine that supports only the exact GELU, for messages.

    Raises:
        ConfigError: The function is GELU with `approximate` set.
    """
    if isinstance(function, nn.GELU) and function.approximate != "none":
        raise ConfigError(
            f"{engine_name(engine)} cannot run this model: its activation is GELU with approximate = "
            f"{function.approximate!r}, expected 'none': translate with regard's own engine, or build the model with "
            "nn.GELU()"
        )
