// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// What framing costs, beside the memcpy that nobody can do without.
//
//   bazel run --config=opt //runtime/wire:frame_benchmark

#include <malloc.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "proto/actor.pb.h"
#include "proto/ids.pb.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_decoder.h"
#include "runtime/wire/header_codec.h"
#include "runtime/wire/send_queue.h"

namespace tractor::wire {
namespace {

constexpr SimpleHeader kData(FrameKind::kData, 77);
constexpr int kBatch = 256;  // frames to one gather or one read

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

void Report(benchmark::State& state, size_t payload_bytes, int frames) {
  state.SetItemsProcessed(state.iterations() * frames);
  state.SetBytesProcessed(state.iterations() * frames *
                          static_cast<int64_t>(payload_bytes));
}

void BM_EncodeBytes(benchmark::State& state) {
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  const int batch = payload.size() > 4096 ? 4 : kBatch;
  SendQueue queue;
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      if (!queue.Append(kData, payload).ok()) state.SkipWithError("refused");
    }
    benchmark::DoNotOptimize(Drain(queue));
  }
  Report(state, payload.size(), batch);
}
BENCHMARK(BM_EncodeBytes)->Arg(64)->Arg(64 << 10);

// A message with 64 bytes of text, serialised straight into the queue.
void BM_EncodeMessage(benchmark::State& state) {
  proto::TreeId message;
  message.set_value(std::string(static_cast<size_t>(state.range(0)) - 2, 'x'));
  const int batch = message.ByteSizeLong() > 4096 ? 4 : kBatch;
  SendQueue queue;
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      if (!queue.Append(kData, message).ok()) state.SkipWithError("refused");
    }
    benchmark::DoNotOptimize(Drain(queue));
  }
  Report(state, message.ByteSizeLong(), batch);
}
BENCHMARK(BM_EncodeMessage)->Arg(64)->Arg(64 << 10);

// The string is made anew each time, as a task would; only its copy is saved.
void BM_EncodeMoved(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  SendQueue queue;
  for (auto _ : state) {
    for (int i = 0; i < 4; ++i) {
      std::string payload(size, 'x');
      if (!queue.AppendMoved(kData, std::move(payload)).ok()) {
        state.SkipWithError("refused");
      }
    }
    benchmark::DoNotOptimize(Drain(queue));
  }
  Report(state, size, 4);
}
BENCHMARK(BM_EncodeMoved)->Arg(64 << 10);

// Decodes frames that are received in reads of 64 KiB at most; the copy into
// the decoder's buffer is the kernel's work, here a memcpy that is included.
void BM_Decode(benchmark::State& state) {
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  const int batch = payload.size() > 4096 ? 4 : kBatch;
  SendQueue queue;
  for (int i = 0; i < batch; ++i) (void)queue.Append(kData, payload);
  const std::string stream = DrainToString(queue);
  FrameDecoder decoder;
  size_t seen = 0;
  for (auto _ : state) {
    for (size_t at = 0; at < stream.size();) {
      const std::span<char> space = decoder.WritableSpace();
      const size_t step = std::min(space.size(), stream.size() - at);
      std::memcpy(space.data(), stream.data() + at, step);
      decoder.Commit(step);
      at += step;
      while (true) {
        absl::StatusOr<std::optional<FrameView>> frame = decoder.Next();
        if (!frame.ok()) return state.SkipWithError("malformed");
        if (!frame->has_value()) break;
        seen += (*frame)->payload.size() + (*frame)->cid;
      }
    }
  }
  benchmark::DoNotOptimize(seen);
  Report(state, payload.size(), batch);
}
BENCHMARK(BM_Decode)->Arg(64)->Arg(64 << 10);

// The least that any of the above must do with the bytes.
void BM_Memcpy(benchmark::State& state) {
  const std::string from(static_cast<size_t>(state.range(0)), 'x');
  const int batch = from.size() > 4096 ? 4 : kBatch;
  std::vector<char> to(from.size() * static_cast<size_t>(batch));
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      std::memcpy(to.data() + static_cast<size_t>(i) * from.size(), from.data(),
                  from.size());
      benchmark::ClobberMemory();
    }
  }
  Report(state, from.size(), batch);
}
BENCHMARK(BM_Memcpy)->Arg(64)->Arg(64 << 10);

void BM_HeaderByHand(benchmark::State& state) {
  char buffer[32];
  proto::FrameHeader scratch;
  for (auto _ : state) {
    const char* end = WriteHeader(kData, buffer);
    benchmark::DoNotOptimize(
        ReadHeader({buffer, static_cast<size_t>(end - buffer)}, scratch));
  }
}
BENCHMARK(BM_HeaderByHand);

void BM_HeaderGenerated(benchmark::State& state) {
  char buffer[32];
  proto::FrameHeader out;
  proto::FrameHeader in;
  for (auto _ : state) {
    out.set_kind(proto::FRAME_DATA);
    out.set_cid(77);
    const size_t size = out.ByteSizeLong();
    out.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(buffer));
    benchmark::DoNotOptimize(in.ParseFromArray(buffer, int(size)));
  }
}
BENCHMARK(BM_HeaderGenerated);

}  // namespace
}  // namespace tractor::wire

int main(int argc, char** argv) {
  // Otherwise glibc gives freed payloads back to the kernel, and page faults
  // are all that BM_EncodeMoved measures (10 us for 64 KiB instead of 0.5).
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
