"""numpy functions on arrays in files, block by block: the ones that would need much memory.

Importing this module registers them; a call that none of them covers is left to numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefgauge.runners.paging import scratch
from prefgauge.runners.paging.array import FUNCTIONS, Paged, empty, plain
from prefgauge.runners.paging.scratch import blocks, room

__all__ = ["ordered"]


def _for(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(own: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(functions, own))
        return own

    return register


def _blank(value: float | None) -> Callable[..., Any]:
    def like(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, **_: Any
    ) -> Any:
        out = empty(np.shape(a) if shape is None else shape, dtype or np.asarray(a).dtype)
        if value is not None:
            out[...] = value
        return out

    return like


FUNCTIONS[np.empty_like] = _blank(None)
FUNCTIONS[np.zeros_like] = _blank(0)
FUNCTIONS[np.ones_like] = _blank(1)


@_for(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    out = empty(np.shape(a) if shape is None else shape, dtype or np.asarray(a).dtype)
    out[...] = fill_value
    return out


@_for(np.where)
def _where(condition: Any, *choice: Any) -> Any:
    if not choice:
        return _nonzero(condition)
    parts = [plain(condition), *(plain(value) for value in choice)]
    shapes = {np.shape(part) for part in parts if np.ndim(part)}
    if len(shapes) != 1:
        return NotImplemented
    shape = shapes.pop()
    kinds = [c if type(c) in (int, float, complex) else np.asarray(c).dtype for c in parts[1:]]
    out = empty(shape, np.result_type(*kinds))
    for rows in blocks(shape[0]):
        out[rows] = np.where(*(part[rows] if np.ndim(part) else part for part in parts))
    return out


@_for(np.nonzero)
def _nonzero(a: Any) -> Any:
    base = plain(a)
    if base.ndim != 1:
        return NotImplemented
    out = empty(int(np.count_nonzero(base)), np.int64)
    at = 0
    for rows in blocks(len(base)):
        found = np.nonzero(base[rows])[0]
        out[at : at + len(found)] = found + rows.start
        at += len(found)
    return (out,)


@_for(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, out: Any = None, **more: Any) -> Any:
    parts = [plain(part) for part in arrays]
    if out is not None or more or axis is None:
        return NotImplemented
    parts = [np.asarray(part) for part in parts]
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    made = empty(tuple(shape), np.result_type(*parts))
    np.concatenate(parts, axis=axis, out=plain(made))
    return made


@_for(np.take)
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    base, index = np.asarray(plain(a)), np.asarray(plain(indices))
    if index.ndim != 1 or axis not in (None, 0) or (axis is None and base.ndim != 1):
        return NotImplemented
    made = room((len(index), *base.shape[1:]), base.dtype) if out is None else plain(out)
    for rows in blocks(len(index)):
        made[rows] = np.take(base, index[rows], axis=0, mode=mode)  # type: ignore[call-overload]
    return made if out is None else out


@_for(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    codes, mass = plain(x), plain(weights)
    size = max(minlength, int(codes.max()) + 1 if len(codes) else 0)
    kind = np.int64 if mass is None else np.float64
    many = size * 8 >= scratch.LARGE
    out = empty(size, kind)
    out[...] = 0
    flat = plain(out)
    for rows in blocks(len(codes)):
        part = None if mass is None else mass[rows]
        if many:  # block by block would pass over the whole result each time
            np.add.at(flat, codes[rows], 1 if part is None else part)
        else:
            flat += np.bincount(codes[rows], part, size)
    return out


@_for(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    values, wanted = plain(a), plain(v)
    if sorter is not None or np.ndim(wanted) != 1:
        return NotImplemented
    out = empty(len(wanted), np.int64)
    for rows in blocks(len(wanted)):
        out[rows] = np.searchsorted(values, wanted[rows], side)
    return out


@_for(np.sort)
def _sort(a: Any, axis: Any = -1, kind: Any = None, **_: Any) -> Any:
    if np.ndim(a) != 1:
        return NotImplemented
    out = a.astype(a.dtype)
    plain(out).sort()  # in place: equal numbers cannot be told apart
    return out


@_for(np.argsort)
def _argsort(a: Any, axis: Any = -1, kind: Any = None, **_: Any) -> Any:
    if np.ndim(a) != 1:
        return NotImplemented
    return ordered(plain(a))


@_for(np.lexsort)
def _lexsort(keys: Any, axis: int = -1) -> Any:
    columns = [plain(key) for key in keys]
    if any(column.ndim != 1 for column in columns):
        return NotImplemented
    order = ordered(columns[0])
    for column in columns[1:]:
        order = _take(order, ordered(plain(_take(column, order))))
    return order


def ordered(values: NDArray[Any]) -> Any:
    """The stable rising order of `values`.

    Each value and its row number are packed into one number, which is sorted in place: numpy's
    own argsort would hold the order in memory.
    """
    n = len(values)
    whole = values.dtype.kind in "biu"
    packed = _packed_integers(values) if whole else None
    if packed is None and whole and values.dtype.itemsize > 4:
        return np.argsort(values, kind="stable")  # wider than a float64 can hold
    if packed is None:
        pairs = room((n,), np.complex128)  # sorted by real part, then by imaginary part
        for rows in blocks(n):
            pairs[rows].real = values[rows]
            pairs[rows].imag = np.arange(rows.start, rows.stop)
        pairs.sort()
        numbers = pairs.imag
    else:
        packed.sort()
        numbers = packed
    out = empty(n, np.int64)
    for rows in blocks(n):
        out[rows] = numbers[rows] if packed is None else numbers[rows] & 0xFFFFFFFF
    return out


def _packed_integers(values: NDArray[Any]) -> NDArray[Any] | None:
    """Value times 2**32 plus row number; None if that does not fit."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if not (low >= -(1 << 31) and high < 1 << 31 and len(values) < 1 << 32):
        return None
    out = room((len(values),), np.int64)
    for rows in blocks(len(values)):
        out[rows] = (values[rows].astype(np.int64) << 32) | np.arange(rows.start, rows.stop)
    return out


@_for(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **_: Any,
) -> Any:
    if axis is not None or np.ndim(ar) != 1:
        return NotImplemented
    base = plain(ar)
    in_order = plain(_sort(ar))
    starts = plain(_nonzero(_changes(in_order))[0])
    values = plain(_take(in_order, starts))
    found: list[Any] = [values]
    if return_index:
        found.append(_take(ordered(base), starts))
    if return_inverse:
        found.append(_searchsorted(values, base))
    if return_counts:
        found.append(np.diff(starts, append=len(base)))
    return tuple(found) if len(found) > 1 else values


def _changes(in_order: NDArray[Any]) -> Any:
    """Where a sorted array takes a new value; all that is not a number counts as one value."""
    new: Any = empty(len(in_order), np.bool_)
    new[:1] = True
    for rows in blocks(len(in_order) - 1):
        here, after = in_order[rows], in_order[rows.start + 1 : rows.stop + 1]
        changed = after != here
        if in_order.dtype.kind in "fc":
            changed &= ~(np.isnan(here) & np.isnan(after))
        new[rows.start + 1 : rows.stop + 1] = changed
    return new if isinstance(new, Paged) else new.view(Paged)
