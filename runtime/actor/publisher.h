// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Publisher: messages by topic, for subscribers in other actors that come and
// go, and change their topics as they like.
//
//   // One stream for each subscriber, in a context that either side opened.
//   co_await ctx.WithStream([&](auto& stream) -> tractor::Task<> {
//     co_await publisher.Serve(stream);            // until it leaves
//   });
//   // In another task of the same actor:
//   co_await publisher.Publish("EURUSD", quote);   // to who wants it
//
//   // The subscriber's side of such a stream:
//   tractor::Subscription<Quote> quotes(stream);
//   co_await quotes.Add("EURUSD");
//   while (auto quote = co_await quotes.Receive()) Use(quote->message);
//
// The context of an endpoint that publishes is a PublisherContext<Quote>, that
// of one that subscribes a SubscriberContext<Quote>.
//
// Rules.
// - A subscriber gets the messages of its topics alone, those of one publishing
//   task in order. A change of topics holds as soon as the publisher's actor
//   has read it: what was published before is not seen. Behind Remove() nothing
//   of that topic comes out any more.
// - A topic exists while it has a subscriber. Published to none: nobody keeps
//   it.
// - A subscriber that leaves its stream block, fails or dies is gone with all
//   its topics. Serve() ends then: with nothing, or with its error.
// - A subscriber is slow when it has neither credit left (stream.h) nor room
//   among the `queue` messages that wait for it here. kPark: Publish() waits
//   for it, so the slowest one sets the pace, and nothing is lost. kDrop: the
//   message is dropped for that subscriber alone, which is counted on both
//   sides (dropped, missed).
// - Close(): subscribers get what waits for them, then the end of the stream.
// - The publisher outlives its Serve()s and Publish()es. One actor, one thread.
#ifndef TRACTOR_RUNTIME_ACTOR_PUBLISHER_H_
#define TRACTOR_RUNTIME_ACTOR_PUBLISHER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/publish.pb.h"
#include "runtime/actor/context.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/envelope.h"
#include "runtime/actor/payload.h"
#include "runtime/actor/stream.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/checkpoint.h"
#include "runtime/task/closed_errors.h"
#include "runtime/task/event.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/nursery.h"
#include "runtime/task/task.h"

namespace tractor {

// The two ends of a stream of messages by topic.
template <Payload T>
using PublisherStream = Stream<proto::TopicChange, internal::Envelope<T>>;
template <Payload T>
using SubscriberStream = Stream<internal::Envelope<T>, proto::TopicChange>;

// The contexts of the endpoints that have them.
template <Payload T>
using PublisherContext =
    Context<Nothing, proto::TopicChange, internal::Envelope<T>>;
template <Payload T>
using SubscriberContext =
    Context<Nothing, internal::Envelope<T>, proto::TopicChange>;

enum class SlowSubscriber : uint8_t { kPark, kDrop };

class PublisherOptions {
 public:
  PublisherOptions() = default;
  PublisherOptions& set_slow(SlowSubscriber slow) {
    slow_ = slow;
    return *this;
  }
  // Messages that may wait here for each subscriber.
  PublisherOptions& set_queue(size_t messages) {
    queue_ = messages;
    return *this;
  }
  SlowSubscriber slow() const { return slow_; }
  size_t queue() const { return queue_; }

 private:
  SlowSubscriber slow_ = SlowSubscriber::kPark;
  size_t queue_ = 64;
};

struct PublisherStatistics {
  size_t subscribers = 0;  // also those without a topic
  size_t topics = 0;
  uint64_t published = 0;  // calls of Publish()
  uint64_t dropped = 0;    // messages times subscribers
};

template <Payload T>
class Publisher {
 public:
  explicit Publisher(PublisherOptions options = PublisherOptions())
      : options_(options) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Serves one subscriber until it leaves or Close(). A checkpoint.
  Task<> Serve(PublisherStream<T>& stream);

  // Throws ClosedResourceError behind Close(), also when it waits. Cancelled,
  // those that it would have waited for do not get the message. A checkpoint.
  Task<> Publish(std::string topic, T message);

  // Those that somebody wants, sorted.
  std::vector<std::string> Topics() const;
  // Waits until there is a topic more or less, or Close(). A checkpoint.
  Task<> WaitForChange();

  // Idempotent.
  void Close();
  bool closed() const { return closed_; }
  PublisherStatistics Statistics() const;

 private:
  using Envelope = internal::Envelope<T>;
  struct Subscriber {
    explicit Subscriber(SenderHandle<Envelope> s) : queue(std::move(s)) {}

    SenderHandle<Envelope> queue;
    std::set<std::string> topics;
    uint64_t missed = 0;  // since its last message
  };
  using SubscriberPtr = std::shared_ptr<Subscriber>;
  class Place;

  void CheckOpen() const;
  bool Offer(Subscriber& subscriber, const Envelope& envelope);
  static Task<> WaitAndSend(SubscriberPtr subscriber, Envelope envelope);
  Task<> ReadChanges(PublisherStream<T>* stream, SubscriberPtr subscriber,
                     Nursery* nursery);
  void Add(const SubscriberPtr& subscriber, const std::string& topic);
  void Remove(const SubscriberPtr& subscriber, const std::string& topic);
  void OnChange() { std::exchange(change_, NewEvent())->Set(); }
  static std::shared_ptr<Event> NewEvent() { return std::make_shared<Event>(); }

  const PublisherOptions options_;
  std::set<SubscriberPtr> subscribers_;
  std::map<std::string, std::vector<SubscriberPtr>> topics_;
  std::shared_ptr<Event> change_ = NewEvent();
  uint64_t published_ = 0;
  uint64_t dropped_ = 0;
  bool closed_ = false;
};

// A message as it arrives.
template <Payload T>
struct Publication {
  std::string topic;
  T message;
};

// The subscriber's side. Lives in a stream block.
template <Payload T>
class Subscription {
 public:
  explicit Subscription(SubscriberStream<T>& stream) : stream_(stream) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Idempotent, both. Checkpoints.
  Task<> Add(std::string topic);
  Task<> Remove(std::string topic);

  // nullopt: the publisher has closed. Throws what Stream::Receive() does. A
  // checkpoint; for one task at a time.
  Task<std::optional<Publication<T>>> Receive();

  const std::set<std::string>& topics() const { return topics_; }
  // Messages that were dropped because this side was slow, up to the last one
  // that was received.
  uint64_t missed() const { return missed_; }

 private:
  SubscriberStream<T>& stream_;
  std::set<std::string> topics_;
  uint64_t missed_ = 0;
};

// ---- Publisher ----

// The subscriber of one Serve(), as long as that lasts.
template <Payload T>
class Publisher<T>::Place {
 public:
  Place(Publisher& publisher, SubscriberPtr subscriber)
      : publisher_(publisher), subscriber_(std::move(subscriber)) {
    publisher_.subscribers_.insert(subscriber_);
  }
  ~Place() {
    publisher_.subscribers_.erase(subscriber_);
    const std::set<std::string> topics = subscriber_->topics;
    for (const std::string& t : topics) publisher_.Remove(subscriber_, t);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Publisher& publisher_;
  const SubscriberPtr subscriber_;
};

template <Payload T>
Task<> Publisher<T>::Serve(PublisherStream<T>& stream) {
  co_await Checkpoint();
  if (closed_) co_return;
  auto channel = OpenChannel<Envelope>(options_.queue());
  ReceiverHandle<Envelope>& queue = channel.second;
  const auto subscriber =
      std::make_shared<Subscriber>(std::move(channel.first));
  const Place place(*this, subscriber);
  NurseryOptions options;
  options.set_collapse(true).set_name("subscriber");
  auto serve = [&](Nursery& n) -> Task<> {
    n.StartSoon(TaskName("topics"), &Publisher::ReadChanges, this, &stream,
                subscriber, &n);
    while (std::optional<Envelope> envelope = co_await queue.Receive()) {
      co_await stream.Send(*std::move(envelope));
    }
    n.cancel_scope().Cancel(CancelReason::kExplicit,
                            "the publisher has closed");
  };
  co_await WithNursery(options, serve);
}

template <Payload T>
Task<> Publisher<T>::ReadChanges(PublisherStream<T>* stream,
                                 SubscriberPtr subscriber, Nursery* nursery) {
  while (std::optional<proto::TopicChange> change =
             co_await stream->Receive()) {
    for (const std::string& t : change->remove()) Remove(subscriber, t);
    for (const std::string& t : change->add()) Add(subscriber, t);
  }
  nursery->cancel_scope().Cancel(CancelReason::kExplicit,
                                 "the subscriber has left");
}

template <Payload T>
Task<> Publisher<T>::Publish(std::string topic, T message) {
  CheckOpen();
  co_await Checkpoint();
  CheckOpen();
  ++published_;
  const auto found = topics_.find(topic);
  if (found == topics_.end()) co_return;
  const Envelope envelope =
      internal::MakeEnvelope<T>(topic, std::move(message));
  std::vector<SubscriberPtr> full;
  for (const SubscriberPtr& subscriber : found->second) {
    if (!Offer(*subscriber, envelope)) full.push_back(subscriber);
  }
  for (const SubscriberPtr& subscriber : full) {
    co_await WaitAndSend(subscriber, envelope);
  }
}

// False: it is to be waited for.
template <Payload T>
bool Publisher<T>::Offer(Subscriber& subscriber, const Envelope& envelope) {
  Envelope own = envelope;
  own.missed = subscriber.missed;
  if (subscriber.queue.TrySend(std::move(own))) {
    subscriber.missed = 0;
    return true;
  }
  if (options_.slow() == SlowSubscriber::kPark) return false;
  ++subscriber.missed;
  ++dropped_;
  return true;
}

template <Payload T>
Task<> Publisher<T>::WaitAndSend(SubscriberPtr subscriber, Envelope envelope) {
  try {
    co_await subscriber->queue.Send(std::move(envelope));
  } catch (const BrokenResourceError&) {
    // It has left.
  }
}

template <Payload T>
void Publisher<T>::Add(const SubscriberPtr& subscriber,
                       const std::string& topic) {
  if (!subscriber->topics.insert(topic).second) return;
  std::vector<SubscriberPtr>& all = topics_[topic];
  all.push_back(subscriber);
  if (all.size() == 1) OnChange();
}

template <Payload T>
void Publisher<T>::Remove(const SubscriberPtr& subscriber,
                          const std::string& topic) {
  if (subscriber->topics.erase(topic) == 0) return;
  const auto found = topics_.find(topic);
  std::erase(found->second, subscriber);
  if (!found->second.empty()) return;
  topics_.erase(found);
  OnChange();
}

template <Payload T>
std::vector<std::string> Publisher<T>::Topics() const {
  std::vector<std::string> names;
  for (const auto& [topic, subscribers] : topics_) names.push_back(topic);
  return names;
}

template <Payload T>
Task<> Publisher<T>::WaitForChange() {
  const std::shared_ptr<Event> change = change_;
  co_await change->Wait();
}

template <Payload T>
void Publisher<T>::CheckOpen() const {
  if (closed_) throw ClosedResourceError("publisher: it is closed");
}

template <Payload T>
void Publisher<T>::Close() {
  if (std::exchange(closed_, true)) return;
  for (const SubscriberPtr& subscriber : subscribers_) {
    subscriber->queue.Close();
  }
  OnChange();
}

template <Payload T>
PublisherStatistics Publisher<T>::Statistics() const {
  PublisherStatistics statistics;
  statistics.subscribers = subscribers_.size();
  statistics.topics = topics_.size();
  statistics.published = published_;
  statistics.dropped = dropped_;
  return statistics;
}

// ---- Subscription ----

template <Payload T>
Task<> Subscription<T>::Add(std::string topic) {
  topics_.insert(topic);
  proto::TopicChange change;
  change.add_add(std::move(topic));
  co_await stream_.Send(change);
}

template <Payload T>
Task<> Subscription<T>::Remove(std::string topic) {
  topics_.erase(topic);
  proto::TopicChange change;
  change.add_remove(std::move(topic));
  co_await stream_.Send(change);
}

template <Payload T>
Task<std::optional<Publication<T>>> Subscription<T>::Receive() {
  while (auto envelope = co_await stream_.Receive()) {
    const proto::Published& content = *envelope->content;
    missed_ += content.missed();
    // It may have been on its way when its topic was removed.
    if (topics_.count(content.topic()) == 0) continue;
    Publication<T> publication;
    publication.topic = content.topic();
    if (!PayloadTraits<T>::Parse(content.message(), publication.message)) {
      throw MsgTypeError("stream", std::string(PayloadTraits<T>::Name()),
                         "bytes that are none");
    }
    co_return publication;
  }
  co_return std::nullopt;
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_ACTOR_PUBLISHER_H_
