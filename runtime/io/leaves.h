// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// For leaf_cancel_test.cc: everything of this folder that a task can wait in,
// behind one face.
#ifndef TRACTOR_RUNTIME_IO_LEAVES_H_
#define TRACTOR_RUNTIME_IO_LEAVES_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os/fd.h"
#include "os/signals.h"
#include "os/testing.h"
#include "os/unix_socket.h"
#include "runtime/io/fd_waiter.h"
#include "runtime/io/listener.h"
#include "runtime/io/packet.h"
#include "runtime/io/process_exit.h"
#include "runtime/io/signals.h"
#include "runtime/io/status_error.h"
#include "runtime/io/stream.h"
#include "runtime/io/testing.h"
#include "runtime/task/task.h"

namespace tractor::io {

class Leaf {
 public:
  virtual ~Leaf() = default;
  // Waits once; counts at its end.
  virtual Task<> Wait() = 0;
  // Lets one Wait() end.
  virtual void Happen() = 0;
  // Behind everything: nothing was lost, nothing came twice.
  virtual void Check() {}

  int waited = 0;
  // What happens takes a moment to be seen.
  bool late = false;
};

class ReadableLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    co_await waiter_.Readable();
    ++waited;
  }
  void Happen() override { Put(pair_.second.get(), "x"); }

 private:
  std::pair<os::Fd, os::Fd> pair_ = Pair();
  FdWaiter waiter_{pair_.first.get()};
};

class WritableLeaf final : public Leaf {
 public:
  WritableLeaf() { Fill(pair_.first.get()); }
  Task<> Wait() override {
    co_await waiter_.Writable();
    ++waited;
  }
  void Happen() override { Drain(pair_.second.get()); }

 private:
  std::pair<os::Fd, os::Fd> pair_ = Pair();
  FdWaiter waiter_{pair_.first.get()};
};

inline std::pair<os::Fd, os::Fd> PipePair() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) ThrowErrno(errno, "pipe2");
  return {os::Fd(fds[0]), os::Fd(fds[1])};
}

class ReadLeaf final : public Leaf {
 public:
  explicit ReadLeaf(bool pipe) : ReadLeaf(pipe ? PipePair() : Pair()) {}
  Task<> Wait() override {
    char buffer[16];
    EXPECT_EQ(co_await stream_.ReadSome(buffer), 1u);
    EXPECT_EQ(buffer[0], '0' + ++waited);  // none is missing before it
  }
  void Happen() override {
    const char byte = static_cast<char>('0' + ++sent_);
    EXPECT_EQ(write(peer_.get(), &byte, 1), 1);
  }
  void Check() override { EXPECT_EQ(waited, sent_); }

 private:
  explicit ReadLeaf(std::pair<os::Fd, os::Fd> pair)
      : stream_(std::move(pair.first)), peer_(std::move(pair.second)) {}

  Stream stream_;
  os::Fd peer_;
  int sent_ = 0;
};

// Writes a 'y' into a socket that is full of 'x'.
class WriteLeaf final : public Leaf {
 public:
  explicit WriteLeaf(bool all) : all_(all) { Fill(stream_.fd()); }
  Task<> Wait() override {
    std::string text = "y";
    if (all_) {
      co_await stream_.WriteAll(text);
    } else {
      const iovec part = {text.data(), text.size()};
      EXPECT_EQ(co_await stream_.WriteSome({&part, 1}), 1u);
    }
    ++waited;
  }
  void Happen() override { Read(); }
  void Check() override {
    Read();
    EXPECT_EQ(seen_, waited);
  }

 private:
  void Read() {
    for (std::string s = Take(peer_.get()); !s.empty(); s = Take(peer_.get())) {
      seen_ += static_cast<int>(std::count(s.begin(), s.end(), 'y'));
    }
  }

  const bool all_;
  std::pair<os::Fd, os::Fd> pair_ = Pair();
  Stream stream_{std::move(pair_.first)};
  os::Fd peer_ = std::move(pair_.second);
  int seen_ = 0;
};

class ReceivePacketLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    char buffer[16];
    const std::optional<Packet> packet = co_await socket_.Receive(buffer);
    EXPECT_TRUE(packet.has_value() && packet->bytes == 1 &&
                buffer[0] == '0' + waited + 1);
    ++waited;
  }
  void Happen() override {
    Put(pair_.second.get(), std::string(1, static_cast<char>('0' + ++sent_)));
  }
  void Check() override { EXPECT_EQ(waited, sent_); }

 private:
  std::pair<os::Fd, os::Fd> pair_ = Pair(SOCK_SEQPACKET);
  PacketSocket socket_{std::move(pair_.first)};
  int sent_ = 0;
};

class SendPacketLeaf final : public Leaf {
 public:
  SendPacketLeaf() { Fill(socket_.fd()); }
  Task<> Wait() override {
    co_await socket_.Send("y");
    ++waited;
  }
  void Happen() override { Read(); }
  void Check() override {
    Read();
    EXPECT_EQ(seen_, waited);
  }

 private:
  void Read() {
    const int fd = pair_.second.get();
    for (std::string s = Take(fd); !s.empty(); s = Take(fd)) seen_ += s == "y";
  }

  std::pair<os::Fd, os::Fd> pair_ = Pair(SOCK_SEQPACKET);
  PacketSocket socket_{std::move(pair_.first)};
  int seen_ = 0;
};

class AcceptUnixLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    accepted_.push_back(co_await listener_.Accept());
    ++waited;
  }
  void Happen() override {
    clients_.push_back(
        OrThrow(os::ConnectUnix(path_, SOCK_STREAM | SOCK_NONBLOCK)));
  }
  void Check() override { EXPECT_EQ(accepted_.size(), clients_.size()); }

 private:
  os::TempDir directory_;
  const std::string path_ = directory_.path() + "/s";
  Listener listener_ = Listener::Unix(path_);
  std::vector<Stream> accepted_;
  std::vector<os::Fd> clients_;
};

class AcceptTcpLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    accepted_.push_back(co_await listener_.Accept());
    ++waited;
  }
  void Happen() override {
    os::Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener_.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address),
                      sizeof(address)),
              0);
    clients_.push_back(std::move(client));
  }
  void Check() override { EXPECT_EQ(accepted_.size(), clients_.size()); }

 private:
  Listener listener_ = Listener::Tcp("127.0.0.1", 0);
  std::vector<Stream> accepted_;
  std::vector<os::Fd> clients_;
};

// A listener whose backlog is full.
class ConnectUnixLeaf final : public Leaf {
 public:
  ConnectUnixLeaf() {
    late = true;  // it looks now and then
    while (true) {
      auto fd = os::ConnectUnix(path_, SOCK_STREAM | SOCK_NONBLOCK);
      if (!fd.ok()) break;
      clients_.push_back(*std::move(fd));
    }
  }
  Task<> Wait() override {
    connected_.push_back(co_await ConnectUnix(path_));
    ++waited;
  }
  void Happen() override { Accept(); }
  void Check() override {
    while (Accept()) {
    }
    EXPECT_EQ(accepted_.size(), clients_.size() + connected_.size())
        << "one was cut short, and has connected all the same";
  }

 private:
  bool Accept() {
    std::optional<os::Fd> fd = OrThrow(os::Accept(listener_.get()));
    if (!fd.has_value()) return false;
    accepted_.push_back(*std::move(fd));
    return true;
  }

  os::TempDir directory_;
  const std::string path_ = directory_.path() + "/s";
  os::Fd listener_ =
      OrThrow(os::ListenUnix(path_, SOCK_STREAM | SOCK_NONBLOCK, 0));
  std::vector<os::Fd> clients_, accepted_;
  std::vector<Stream> connected_;
};

class SignalLeaf final : public Leaf {
 public:
  Task<> Wait() override {
    EXPECT_EQ((co_await watcher_.Receive()).signal, SIGUSR1);
    ++waited;
  }
  void Happen() override { raise(SIGUSR1); }
  void Check() override {
    sigset_t pending;
    sigpending(&pending);
    EXPECT_FALSE(sigismember(&pending, SIGUSR1));
  }

 private:
  SignalWatcher watcher_{os::SignalSet({SIGUSR1})};
};

// Any child ends once: it is reaped by the wait that saw it.
class ExitLeaf final : public Leaf {
 public:
  explicit ExitLeaf(bool reap) : reap_(reap) { late = true; }
  Task<> Wait() override {
    if (reap_) {
      EXPECT_EQ((co_await WaitExit(child_.pidfd())).code, 7);
    } else {
      co_await WaitUntilEnded(child_.pidfd());
    }
    ++waited;
  }
  void Happen() override { signpost_.Notify(); }

 private:
  const bool reap_;
  os::Signpost signpost_;
  os::TestChild child_{[this] { return signpost_.Wait() ? 7 : 1; }};
};

}  // namespace tractor::io

#endif  // TRACTOR_RUNTIME_IO_LEAVES_H_
