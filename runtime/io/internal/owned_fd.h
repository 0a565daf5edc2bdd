// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A non-blocking descriptor together with its waiter: what Stream, Listener
// and PacketSocket consist of.
#ifndef TRACTOR_RUNTIME_IO_INTERNAL_OWNED_FD_H_
#define TRACTOR_RUNTIME_IO_INTERNAL_OWNED_FD_H_

#include <string>
#include <string_view>

#include "os/fd.h"
#include "runtime/io/fd_waiter.h"

namespace tractor::io::internal {

class OwnedFd {
 public:
  // Makes `fd` non-blocking. `kind` ("io::Stream") begins every message. Throws
  // StatusError.
  OwnedFd(std::string_view kind, os::Fd fd);

  int get() const { return fd_.get(); }
  FdWaiter::Wait Readable() { return waiter_.Readable(); }
  FdWaiter::Wait Writable() { return waiter_.Writable(); }

  // Waits end with ResourceClosed; so does CheckOpen() from now on.
  void Close();
  void CheckOpen() const;

  // "io::Stream(fd 7): read"
  std::string What(std::string_view call) const;

 private:
  const std::string_view kind_;
  os::Fd fd_;
  FdWaiter waiter_;
};

}  // namespace tractor::io::internal

#endif  // TRACTOR_RUNTIME_IO_INTERNAL_OWNED_FD_H_
