// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A stream of bytes: a Unix or TCP connection, or an end of a pipe.
//
//   tractor::io::Stream stream = co_await tractor::io::ConnectUnix(path);
//   co_await stream.WriteAll(request);
//   stream.ShutdownWrite();
//   while (size_t n = co_await stream.ReadSome(buffer)) Use(buffer, n);
//
// Rules.
// - Every operation is a checkpoint, before it touches the stream; once it has
//   read or written, the result is delivered, whatever cancel comes.
// - A cancelled WriteAll() may have written a part: the stream is then good
//   for nothing but closing. WriteSome() has written nothing.
// - One reader and one writer at a time; a second one is a std::logic_error.
// - The peer's end: ReadSome() gives 0 for an orderly one, ConnectionClosed for
//   a reset; writes throw ConnectionClosed. Other failures are StatusErrors.
// - SIGPIPE never comes of a socket. For pipes it is ignored in the whole
//   process from the first Stream of a pipe on.
#ifndef TRACTOR_RUNTIME_IO_STREAM_H_
#define TRACTOR_RUNTIME_IO_STREAM_H_

#include <sys/uio.h>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "os/fd.h"
#include "runtime/task/task.h"

namespace tractor::io {

class Stream {
 public:
  // Takes the descriptor and makes it non-blocking. On the current reactor.
  explicit Stream(os::Fd fd);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // What is there, at least a byte; 0 at the end. An empty `into` is an
  // INVALID_ARGUMENT.
  Task<size_t> ReadSome(std::span<char> into);

  // Exactly as many bytes as `into` has; throws ConnectionClosed when the end
  // comes first. A cancel may lose the part that was read.
  Task<> ReadAll(std::span<char> into);

  // Writes everything. `from` must live until then.
  Task<> WriteAll(std::string_view from);
  template <class C>
    requires std::same_as<std::remove_const_t<C>, char>
  Task<> WriteAll(std::span<C> from) {
    return WriteAll(std::string_view(from.data(), from.size()));
  }

  // Writes what the kernel takes at once, at least a byte (0 of nothing).
  Task<size_t> WriteSome(std::span<const iovec> parts);

  // The peer reads the end after what was written. Reading goes on. Sockets
  // only.
  void ShutdownWrite();

  // Waits on it end with ResourceClosed. May be called twice.
  void Close();

  // -1 when closed.
  int fd() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Two connected streams (a Unix socket pair).
std::pair<Stream, Stream> StreamPair();

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_STREAM_H_
