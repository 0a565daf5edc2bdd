// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0

// Frames that wait to be written to one connection.
//
//   SendQueue queue;
//   RETURN_IF_ERROR(queue.Append({FrameKind::kData, cid}, message));
//   ...
//   iovec parts[SendQueue::kGatherParts];
//   size_t n = queue.Gather(parts);
//   ssize_t sent = sendmsg(...parts, n...);
//   if (sent > 0) queue.Consume(sent);
//
// Rules:
//  * Two lanes (frame.h, LaneOf): control goes ahead of all data that was not
//    begun. A frame that was written in part is finished first.
//  * Many small frames share a buffer; messages are serialised straight into
//    it. A payload of kMoveBytes and more that comes as a std::string is moved
//    and gathered, never copied.
//  * Memory that Gather() gave out stays where it is until Consume(), also
//    when frames are appended in between: an asynchronous write may hold it.
//  * What the peer's decoder would refuse is refused here, with the same code.
//  * A frame that is refused leaves the queue as it was.
//
// The queue itself has no bound: who appends looks at pending_bytes() and at
// the stream's credit (credits.h). Not thread safe; no call waits.

#ifndef TRACTOR_RUNTIME_WIRE_SEND_QUEUE_H_
#define TRACTOR_RUNTIME_WIRE_SEND_QUEUE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "proto/actor.pb.h"
#include "runtime/wire/frame.h"

namespace tractor::wire {

class SendQueue {
 public:
  // A good number of iovecs for Gather().
  static constexpr size_t kGatherParts = 16;
  // From here on moving a payload is cheaper than copying it.
  static constexpr size_t kMoveBytes = 16 << 10;

  // Frames beyond `max_frame_bytes` are refused with kResourceExhausted.
  explicit SendQueue(uint64_t max_frame_bytes = kDefaultMaxFrameBytes);
  ~SendQueue();
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  // The peer's own limit, from its hello; only ever lowers ours.
  void LowerMaxFrameBytes(uint64_t bytes);
  uint64_t max_frame_bytes() const { return max_frame_bytes_; }

  // Appends one frame; the payload is copied.
  absl::Status Append(const SimpleHeader& header,
                      std::string_view payload = {});
  absl::Status Append(const proto::FrameHeader& header,
                      std::string_view payload = {});

  // Appends one frame; the payload is serialised into the queue. A message
  // that lacks required fields (proto2) is refused with kInvalidArgument.
  absl::Status Append(const SimpleHeader& header,
                      const google::protobuf::MessageLite& payload);
  absl::Status Append(const proto::FrameHeader& header,
                      const google::protobuf::MessageLite& payload);

  // Appends one frame and takes the payload. On an error it is untouched.
  absl::Status AppendMoved(const SimpleHeader& header, std::string&& payload);
  absl::Status AppendMoved(const proto::FrameHeader& header,
                           std::string&& payload);

  // Fills `parts` with what is to be written next, in order; returns how many
  // are used, 0 when the queue is empty.
  size_t Gather(std::span<iovec> parts);

  // Removes the first `bytes` of what the last Gather() gave out and was not
  // removed yet; may be called in steps.
  void Consume(size_t bytes);

  bool empty() const { return pending_bytes() == 0; }
  size_t pending_bytes() const { return control_.bytes + data_.bytes; }
  size_t pending_control_bytes() const { return control_.bytes; }

  // Whether a frame is written in part: closing now tears it.
  bool mid_frame() const {
    return control_.frame_left != 0 || data_.frame_left != 0;
  }

  // Gives unused memory back; for a connection that has become idle.
  void Trim();

 private:
  // Bytes in memory that never moves: our buffer, or a payload that was moved.
  struct Chunk {
    std::unique_ptr<char[]> buffer;
    std::string moved;
    size_t capacity = 0;  // of buffer
    size_t begin = 0;
    size_t end = 0;

    char* data() { return buffer ? buffer.get() : moved.data(); }
    size_t size() const { return end - begin; }
    size_t room() const { return buffer ? capacity - end : 0; }
  };

  enum class Keep { kInPlace, kSpare };

  struct LaneQueue {
    std::deque<Chunk> chunks;
    size_t bytes = 0;
    size_t frame_left = 0;  // of the frame that was written in part
  };

  template <typename Header, typename Payload>
  absl::Status AppendFrame(const Header& header, const Payload& payload);
  template <typename Header>
  absl::Status AppendMovedFrame(const Header& header, std::string&& payload);

  // A place for `bytes` at the end of the lane.
  char* Extend(LaneQueue& lane, size_t bytes);
  Chunk TakeChunk(size_t bytes, bool after_moved);
  void PopChunk(LaneQueue& lane, Keep keep);
  void ConsumeLane(LaneQueue& lane, size_t bytes);
  void Advance(LaneQueue& lane, size_t bytes);
  LaneQueue& QueueOf(FrameKind kind) {
    return LaneOf(kind) == Lane::kControl ? control_ : data_;
  }

  uint64_t max_frame_bytes_;
  LaneQueue control_;
  LaneQueue data_;
  std::vector<Chunk> spares_;
  // What Gather() gave out: the rest of a begun data frame, then control,
  // then data. Fixed there, since frames may be appended before Consume().
  size_t planned_rest_ = 0;
  size_t planned_control_ = 0;
};

}  // namespace tractor::wire

#endif  // TRACTOR_RUNTIME_WIRE_SEND_QUEUE_H_
