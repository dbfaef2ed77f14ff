"""A curl handle whose transfers can be stopped at any moment, also while the other side says nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

from curl_cffi import Curl, CurlError
from curl_cffi._wrapper import ffi, lib
from curl_cffi.const import CurlOpt

_LOOK_EVERY_MS = 200
_DONE = 1


class StoppableHandle(Curl):
    """curl_cffi's handle, except that it looks up from its sockets several times a second.

    `curl_easy_perform` returns when the transfer has ended and not before; the `curl_multi` interface (see the libcurl
    manual, "libcurl-multi") does the same in steps. A transfer that is broken off closes its connection, all others are
    kept for the next one.
    """

    look: Callable[[], object] | None = None
    """Called between two steps; what it raises breaks the transfer off."""

    set_for: object = None
    """The kind of request for which all options are set, so that the next of the kind needs but another address."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._multi = lib.curl_multi_init()
        self._timeout_ms: int | None = None
        self._is_kept = False
        self._write: Callable[[bytes], int] | None = None
        super().__init__()

    def readdress(self, url: str, seconds: float, write: Callable[[bytes], int]) -> None:
        """Make ready for another transfer of the kind for which all options are set; its headers are read by nobody."""
        self.setopt(CurlOpt.URL, url.encode())
        timeout_ms = int(seconds * 1_000)
        if timeout_ms != self._timeout_ms:
            self.setopt(CurlOpt.TIMEOUT_MS, timeout_ms)
            self._timeout_ms = timeout_ms
        self._write = write
        if not self._is_kept:
            # From here on they stay as they are from one transfer to the next.
            self.setopt(CurlOpt.QUICK_EXIT, 1)
            self.setopt(CurlOpt.WRITEFUNCTION, self._written)
            for option in (CurlOpt.HEADERFUNCTION, CurlOpt.HEADERDATA):
                self._check_error(lib._curl_easy_setopt(self._curl, option, ffi.NULL), "setopt", option)
            self._is_kept = True

    def _written(self, piece: bytes) -> int:
        return self._write(piece) if self._write is not None else 0

    def reset(self) -> None:
        """Forget all options, unless they are to stay as they are for the next request of a kind."""
        if self.set_for is None:
            self._is_kept, self._timeout_ms = False, None
            super().reset()
            self.clean_handles_and_buffers()

    def forget(self) -> None:
        """Forget all options."""
        self.set_for = None
        self.reset()

    def perform(self, clear_headers: bool = False, clear_resolve: bool = True) -> None:
        """Do the transfer. Raises CurlError, or whatever a callback or `look` raised."""
        if self._curl is None:
            raise CurlError("the handle is closed")
        if not self._is_kept:
            self._ensure_cacert()
            # A name server that says nothing must hold nobody up: its thread is left to end by itself.
            self.setopt(CurlOpt.QUICK_EXIT, 1)
        lib.curl_multi_add_handle(self._multi, self._curl)
        try:
            code = self._transfer()
            said = self._get_callback_exception()
            if said is not None:
                raise said
            self._check_error(code, "perform")
        finally:
            lib.curl_multi_remove_handle(self._multi, self._curl)
            self._write = None
            if not self._is_kept:
                # The lines of the header belong to the options, and go with them.
                self.clean_handles_and_buffers(clear_headers, clear_resolve)

    def close(self) -> None:
        """Give the handle and its connections back.

        A forked child leaves those of its parent alone: they are the parent's, and to clean up is to wait for threads that the
        child does not have.
        """
        if self._pid != os.getpid():
            self._curl = self._multi = None
            return
        super().close()
        if self._multi is not None:
            lib.curl_multi_cleanup(self._multi)
            self._multi = None

    def _transfer(self) -> int:
        running, left = ffi.new("int *"), ffi.new("int *")
        while True:
            if self.look is not None:
                self.look()
            _check(lib.curl_multi_perform(self._multi, running))
            message = lib.curl_multi_info_read(self._multi, left)
            if message != ffi.NULL and message.msg == _DONE:
                return int(message.data.result)
            _check(lib.curl_multi_poll(self._multi, ffi.NULL, 0, _LOOK_EVERY_MS, ffi.new("int *")))


def _check(code: int) -> None:
    if code != 0:
        raise CurlError(f"curl_multi failed with {code}")
