// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What framing costs, beside the memcpy that nobody can do without.
//
//   bazel run --config=opt //bench:wire_benchmark -- [--json] [--quick]
//       [--filter=TEXT] [--free]
#include <malloc.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/harness.h"
#include "proto/actor.pb.h"
#include "proto/ids.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/header_codec.h"
#include "runtime/wire/send_queue.h"

namespace tractor::bench {
namespace {

using wire::FrameDecoder;
using wire::FrameKind;
using wire::FrameView;
using wire::SendQueue;
using wire::SimpleHeader;

constexpr SimpleHeader kData(FrameKind::kData, 77);
constexpr size_t kSmallBytes = 64;
constexpr size_t kLargeBytes = 64 << 10;
constexpr int kRounds = 2'000;

// Frames to one gather or one read.
size_t BatchOf(size_t size) { return size > 4096 ? 4 : 256; }

void Need(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

// "64 B" or "64 KiB".
std::string SizeText(size_t size) {
  return size < 1024 ? std::to_string(size) + " B"
                     : std::to_string(size >> 10) + " KiB";
}

// The least that anything here must do with a payload: nanoseconds for one.
Samples RawCopies(const Report& report, size_t size) {
  const size_t batch = BatchOf(size);
  const std::string from(size, 'x');
  std::vector<char> to(size * batch);
  return MeasureBatches(report, kRounds, batch, [&] {
    for (size_t i = 0; i < batch; ++i) {
      std::memcpy(to.data() + i * size, from.data(), size);
      Use(to);
    }
  });
}

// Writes all that waits, to nowhere.
size_t Drain(SendQueue& queue) {
  std::array<iovec, SendQueue::kGatherParts> parts;
  size_t all = 0;
  while (size_t used = queue.Gather(parts)) {
    size_t bytes = 0;
    for (size_t i = 0; i < used; ++i) bytes += parts[i].iov_len;
    queue.Consume(bytes);
    all += bytes;
  }
  return all;
}

std::string DrainToString(SendQueue& queue) {
  std::string all;
  std::array<iovec, SendQueue::kGatherParts> parts;
  while (size_t used = queue.Gather(parts)) {
    size_t bytes = 0;
    for (size_t i = 0; i < used; ++i) {
      all.append(static_cast<char*>(parts[i].iov_base), parts[i].iov_len);
      bytes += parts[i].iov_len;
    }
    queue.Consume(bytes);
  }
  return all;
}

// append(queue) puts one frame in; a batch is then gathered and dropped.
template <class Append>
void Encode(Report& report, const char* what, size_t size, Append append) {
  const std::string name = std::string(what) + ", " + SizeText(size);
  if (!report.Wants(name)) return;
  const size_t batch = BatchOf(size);
  SendQueue queue;
  const Samples ours = MeasureBatches(report, kRounds, batch, [&] {
    for (size_t i = 0; i < batch; ++i) Need(append(queue).ok(), "refused");
    Use(Drain(queue));
  });
  report.Add(name, "ns", ours, RawCopies(report, size));
}

void EncodeBytes(Report& report, size_t size) {
  const std::string payload(size, 'x');
  Encode(report, "encode bytes", size,
         [&](SendQueue& queue) { return queue.Append(kData, payload); });
}

// Serialised straight into the queue.
void EncodeMessage(Report& report, size_t size) {
  proto::TreeId message;
  message.set_value(std::string(size, 'x'));
  Encode(report, "encode a message", size,
         [&](SendQueue& queue) { return queue.Append(kData, message); });
}

// The string is made anew each time, as a task would; only its copy is saved.
void EncodeMoved(Report& report, size_t size) {
  Encode(report, "encode bytes, moved", size, [&](SendQueue& queue) {
    return queue.AppendMoved(kData, std::string(size, 'x'));
  });
}

// Hands `stream` to the decoder in reads as large as it likes. The number of
// frames.
size_t DecodeAll(FrameDecoder& decoder, const std::string& stream) {
  size_t frames = 0;
  for (size_t at = 0; at < stream.size();) {
    const std::span<char> space = decoder.WritableSpace();
    const size_t step = std::min(space.size(), stream.size() - at);
    std::memcpy(space.data(), stream.data() + at, step);
    decoder.Commit(step);
    at += step;
    while (true) {
      const absl::StatusOr<std::optional<FrameView>> frame = decoder.Next();
      Need(frame.ok(), "malformed");
      if (!frame->has_value()) break;
      Use((*frame)->payload);
      ++frames;
    }
  }
  return frames;
}

// The copy into the decoder's buffer is the kernel's work, here a memcpy that
// is included.
void Decode(Report& report, size_t size) {
  const std::string name = "decode, " + SizeText(size);
  if (!report.Wants(name)) return;
  const size_t batch = BatchOf(size);
  SendQueue queue;
  for (size_t i = 0; i < batch; ++i) {
    Need(queue.Append(kData, std::string(size, 'x')).ok(), "refused");
  }
  const std::string stream = DrainToString(queue);
  FrameDecoder decoder;
  const Samples ours = MeasureBatches(report, kRounds, batch, [&] {
    Need(DecodeAll(decoder, stream) == batch, "frames were lost");
  });
  report.Add(name, "ns", ours, RawCopies(report, size));
}

// Written and read by hand; the limit is what protobuf's generated code takes.
void Header(Report& report) {
  const char* const name = "header, write and read (limit: protobuf)";
  if (!report.Wants(name)) return;
  constexpr size_t kMany = 1000;
  char buffer[32];
  proto::FrameHeader out;
  proto::FrameHeader in;
  const Samples ours = MeasureBatches(report, kRounds, kMany, [&] {
    for (size_t i = 0; i < kMany; ++i) {
      const char* end = wire::WriteHeader(kData, buffer);
      Use(buffer);
      Use(wire::ReadHeader({buffer, static_cast<size_t>(end - buffer)}, in));
    }
  });
  const Samples generated = MeasureBatches(report, kRounds, kMany, [&] {
    for (size_t i = 0; i < kMany; ++i) {
      out.set_kind(proto::FRAME_DATA);
      out.set_cid(77);
      const size_t size = out.ByteSizeLong();
      out.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(buffer));
      Use(in.ParseFromArray(buffer, static_cast<int>(size)));
    }
  });
  report.Add(name, "ns", ours, generated);
}

}  // namespace
}  // namespace tractor::bench

int main(int argc, char** argv) {
  using namespace tractor::bench;
  Report report("wire", argc, argv);
  // Otherwise glibc gives freed payloads back to the kernel, and page faults
  // are all that EncodeMoved measures (10 us for 64 KiB instead of 0.5).
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  for (const size_t size : {kSmallBytes, kLargeBytes}) {
    EncodeBytes(report, size);
    EncodeMessage(report, size);
    Decode(report, size);
  }
  EncodeMoved(report, kLargeBytes);
  Header(report);
  return report.Finish();
}
