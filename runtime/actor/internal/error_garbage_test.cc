// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// What nobody ever packed: random errors, and random bytes that parse. Nothing
// may throw, and what is passed on must be within the limits.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <random>
#include <string>

#include "proto/error.pb.h"
#include "runtime/actor/errors.h"
#include "runtime/actor/internal/error_codec.h"
#include "runtime/task/exception_group.h"

namespace tractor::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

class Garbage {
 public:
  explicit Garbage(uint32_t seed) : random_(seed) {}

  // Fills each field of `message`, or not.
  void Fill(Message& message, int depth) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* const field = message.GetDescriptor()->field(i);
      if (Below(3) == 0) continue;
      const int times = field->is_repeated() ? Below(4) : 1;
      for (int n = 0; n < times; ++n) Set(message, field, depth);
    }
  }

  int Below(int end) {
    return static_cast<int>(random_() % static_cast<uint32_t>(end));
  }

 private:
  std::string Text(bool utf8) {
    static const char* const kNames[] = {"std::system_error",
                                         "std::runtime_error",
                                         "std::bad_alloc",
                                         "tractor::io::StatusError",
                                         "tractor::ExceptionGroup",
                                         "",
                                         "system\n9\nx"};
    if (Below(2) == 0) return kNames[Below(std::size(kNames))];
    std::string text(static_cast<size_t>(Below(40)), '\0');
    for (char& c : text) c = static_cast<char>(Below(utf8 ? 128 : 256));
    return text;
  }

  void Set(Message& message, const FieldDescriptor* field, int depth) {
    const Reflection& set = *message.GetReflection();
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth == 0) return;
        return Fill(many ? *set.AddMessage(&message, field)
                         : *set.MutableMessage(&message, field),
                    depth - 1);
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text = Text(field->type() == FieldDescriptor::TYPE_STRING);
        return many ? set.AddString(&message, field, std::move(text))
                    : set.SetString(&message, field, std::move(text));
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return set.SetEnumValue(&message, field, Below(15));
      case FieldDescriptor::CPPTYPE_BOOL:
        return set.SetBool(&message, field, Below(2) == 0);
      case FieldDescriptor::CPPTYPE_INT32:
        return set.SetInt32(&message, field, static_cast<int32_t>(random_()));
      case FieldDescriptor::CPPTYPE_UINT32:
        return set.SetUInt32(&message, field, random_());
      case FieldDescriptor::CPPTYPE_UINT64:
        return set.SetUInt64(&message, field,
                             uint64_t{random_()} << 32 | random_());
      default:
        FAIL() << field->full_name() << ": no garbage of this type";
    }
  }

  std::mt19937 random_;
};

// Everything that a program may do with an error.
void UseAll(const proto::ErrorProto& received) {
  const std::exception_ptr error = UnpackError(received);
  ASSERT_TRUE(VisitAs<RemoteActorError>(error, [](const RemoteActorError& e) {
    const std::string text = e.what();
    EXPECT_FALSE(text.empty());
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 40);
    e.boxed();
    e.cause();
    for (const std::exception_ptr& member : e.nested()) {
      EXPECT_TRUE(IsA<RemoteActorError>(member));
    }
    e.Is<std::runtime_error>();
    EXPECT_ANY_THROW(e.Unbox());
  }));
  VisitAs<ActorDied>(error, [](const ActorDied& e) { e.actor(); });
  VisitAs<ContextCancelled>(error,
                            [](const ContextCancelled& e) { e.canceller(); });
  const proto::ErrorProto again = PackError(error, Aid());
  EXPECT_LE(again.ByteSizeLong(), kMaxErrorBytes);
  // Protobuf refuses what is nested too deeply, or no UTF-8.
  proto::ErrorProto parsed;
  EXPECT_TRUE(parsed.ParseFromString(again.SerializeAsString()));
}

TEST(ErrorGarbageTest, RandomErrors) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Garbage garbage(seed);
    proto::ErrorProto error;
    garbage.Fill(error, garbage.Below(5));
    UseAll(error);
    if (HasFailure()) return;
  }
}

TEST(ErrorGarbageTest, RandomChangesToTheBytes) {
  int parsed = 0;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Garbage garbage(seed);
    proto::ErrorProto error;
    garbage.Fill(error, 2);
    std::string bytes = error.SerializeAsString();
    for (int i = garbage.Below(4); i >= 0 && !bytes.empty(); --i) {
      bytes[static_cast<size_t>(
          garbage.Below(static_cast<int>(bytes.size())))] =
          static_cast<char>(garbage.Below(256));
    }
    proto::ErrorProto received;
    if (!received.ParseFromString(bytes)) continue;
    ++parsed;
    UseAll(received);
    if (HasFailure()) return;
  }
  EXPECT_GT(parsed, 50) << "too little got as far as our code";
}

}  // namespace
}  // namespace tractor::internal
