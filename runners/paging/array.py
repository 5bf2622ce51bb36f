"""The array that lives in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from prefgauge.runners.paging import scratch
from prefgauge.runners.paging.scratch import blocks, room

__all__ = ["FUNCTIONS", "Paged", "empty", "paged", "plain"]

#: numpy functions with an implementation that needs little memory; see :mod:`.functions`.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}


class Paged(np.ndarray):
    """A numpy array in a file whose large results are put into files too.

    Values are those of numpy; sums over many rows may differ in the last bits, because they are
    gathered block by block. Small results are ordinary arrays or scalars.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
        given = more.pop("out", None)
        inputs = tuple(plain(value) for value in inputs)
        if given is not None:
            more["out"] = tuple(plain(value) for value in given)
        elif method == "__call__":
            made = _results(ufunc, inputs, more)
            if made is not None:
                more["out"] = made
        elif method == "accumulate" and np.ndim(inputs[0]) == 1:
            kind = more.get("dtype") or _running_kind(ufunc, inputs[0].dtype)
            more["out"] = (room(inputs[0].shape, kind),)
        if "where" in more:
            more["where"] = plain(more["where"])
        found = getattr(ufunc, method)(*inputs, **more)
        if given is not None:
            return given[0] if len(given) == 1 else given
        return paged(found)

    def __array_function__(
        self, func: Any, types: Iterable[Any], args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        own = FUNCTIONS.get(func)
        if own is not None:
            found = own(*args, **kwargs)
            if found is not NotImplemented:
                return paged(found)
        return paged(super().__array_function__(func, types, args, dict(kwargs)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice | int | np.integer) or key is None or key is Ellipsis:
            return super().__getitem__(key)
        base = plain(self)
        if isinstance(key, np.ndarray) and key.ndim == 1:
            if key.dtype == np.bool_ and self.ndim == 1 and len(key) == len(self):
                return _masked(base, plain(key))
            if key.dtype.kind in "iu":
                return _taken(base, plain(key))
        if isinstance(key, tuple) and _equal_vectors(key):
            return _taken(base, *(plain(part) for part in key))
        return paged(base[_unpaged(key)])

    def astype(self, dtype: Any, *args: Any, **more: Any) -> Any:
        """As numpy's; a large result lies in a file."""
        if more.get("copy") is False and np.dtype(dtype) == self.dtype:
            return self
        out = empty(self.shape, dtype)
        np.copyto(plain(out), plain(self), casting=more.get("casting", "unsafe"))
        return out

    def copy(self, order: Any = "C") -> Any:
        """As numpy's."""
        return self.astype(self.dtype)

    def flatten(self, order: Any = "C") -> Any:
        """As numpy's."""
        return self.astype(self.dtype).reshape(-1)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """As numpy's."""
        if self.ndim != 1 or out is not None:
            return paged(plain(self).cumsum(axis, dtype, plain(out)))
        return np.add.accumulate(self, dtype=dtype)

    def argsort(self, *args: Any, **more: Any) -> Any:
        """As numpy's, always stable."""
        return _by_function(np.argsort, self, args, more)

    def nonzero(self) -> Any:
        """As numpy's."""
        return _by_function(np.nonzero, self, (), {})

    def take(self, indices: Any, *args: Any, **more: Any) -> Any:
        """As numpy's."""
        return _by_function(np.take, self, (indices, *args), more)

    def repeat(self, *args: Any, **more: Any) -> Any:
        """As numpy's."""
        return paged(plain(self).repeat(*(plain(a) for a in args), **more))


def _by_function(function: Any, self: Paged, args: tuple[Any, ...], more: Any) -> Any:
    """A method by the function of the same name, or by numpy where that does not cover it."""
    found = FUNCTIONS[function](self, *args, **more)
    if found is NotImplemented:
        method = getattr(plain(self), function.__name__)
        found = method(*(plain(a) for a in args), **{k: plain(v) for k, v in more.items()})
    return paged(found)


def plain(value: Any) -> Any:
    """The same data without the class."""
    return value.view(np.ndarray) if isinstance(value, Paged) else value


def empty(shape: tuple[int, ...] | int, dtype: DTypeLike) -> Any:
    """An array whose values are not set, in a file if it is large."""
    return _dressed(room((shape,) if isinstance(shape, int) else tuple(shape), dtype))


def paged(value: Any) -> Any:
    """`value` with large arrays moved into files; small ones are left as they are."""
    if isinstance(value, tuple | list):
        # a result with names, as np.unique_counts gives, keeps its type
        moved = [paged(part) for part in value]
        return type(value)(*moved) if hasattr(value, "_fields") else type(value)(moved)
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        return value
    if isinstance(value, Paged) or value.base is not None:
        return _dressed(plain(value))
    if value.nbytes < scratch.LARGE:
        return value
    out = room(value.shape, value.dtype)
    out[...] = value
    return out.view(Paged)


def _dressed(value: NDArray[Any]) -> Any:
    return value.view(Paged) if value.nbytes >= scratch.LARGE else value


def _unpaged(key: Any) -> Any:
    return tuple(plain(part) for part in key) if isinstance(key, tuple) else plain(key)


def _results(
    ufunc: Any, inputs: tuple[Any, ...], more: Mapping[str, Any]
) -> tuple[NDArray[Any], ...] | None:
    """Room for the results of an elementwise operation; None to leave it to numpy."""
    if ufunc.signature is not None or set(more) - {"dtype"}:
        return None
    shape = np.broadcast_shapes(*(np.shape(value) for value in inputs))
    try:
        if "dtype" in more:
            kinds = [np.dtype(more["dtype"])] * ufunc.nout
        else:
            given = tuple(_kind(value) for value in inputs)
            kinds = list(ufunc.resolve_dtypes((*given, *[None] * ufunc.nout)))[ufunc.nin :]
    except TypeError:
        return None
    return tuple(room(shape, kind) for kind in kinds)


def _kind(value: Any) -> Any:
    if type(value) in (int, float, complex):
        return type(value)  # a Python number does not widen an array's type
    return np.asarray(value).dtype


def _running_kind(ufunc: Any, kind: np.dtype[Any]) -> np.dtype[Any]:
    """The type of a running result: sums of narrow integers and booleans are wide."""
    return ufunc.accumulate(np.zeros(1, kind)).dtype  # type: ignore[no-any-return]


def _equal_vectors(key: tuple[Any, ...]) -> bool:
    arrays = all(isinstance(k, np.ndarray) and k.ndim == 1 and k.dtype.kind in "iu" for k in key)
    return arrays and len({len(part) for part in key}) == 1


def _masked(base: NDArray[Any], mask: NDArray[Any]) -> Any:
    out = room((int(np.count_nonzero(mask)),), base.dtype)
    at = 0
    for rows in blocks(len(base)):
        part = base[rows][mask[rows]]
        out[at : at + len(part)] = part
        at += len(part)
    return _dressed(out)


def _taken(base: NDArray[Any], *index: NDArray[Any]) -> Any:
    out = room((len(index[0]), *base.shape[len(index) :]), base.dtype)
    for rows in blocks(len(index[0])):
        out[rows] = base[tuple(part[rows] for part in index)]
    return _dressed(out)
