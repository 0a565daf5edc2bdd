// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/error_registry.h"

#include <gtest/gtest.h>

#include <any>
#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <variant>

#include "runtime/task/exception_group.h"

namespace bank {

struct Overdrawn : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Locked : public std::exception {
 public:
  explicit Locked(int account) : account_(account) {}
  int account() const { return account_; }
  const char* what() const noexcept override { return "locked"; }

  static std::string Box(const Locked& error) {
    return std::to_string(error.account_);
  }
  static Locked Unbox(const std::string& boxed) {
    return Locked(std::stoi(boxed));
  }

 private:
  int account_;
};

// Somebody else's: no constructor from text, nothing to change.
struct Foreign {
  int code;
};

}  // namespace bank

namespace tractor {

template <>
struct ExceptionTraits<bank::Foreign> {
  static std::string Box(const bank::Foreign& error) {
    return std::to_string(error.code);
  }
  static bank::Foreign Unbox(const std::string& boxed) {
    return bank::Foreign{std::stoi(boxed)};
  }
};

}  // namespace tractor

TRACTOR_EXCEPTION(bank::Overdrawn);
TRACTOR_EXCEPTION(bank::Locked);
TRACTOR_EXCEPTION(bank::Foreign);
// As two files of a program may.
TRACTOR_EXCEPTION(bank::Overdrawn);

namespace tractor::internal {
namespace {

// Boxes and makes again, as two actors do.
template <class E>
std::exception_ptr RoundTrip(const E& error) {
  const ExceptionType* const type = FindExceptionType(typeid(E));
  if (type == nullptr) return nullptr;
  EXPECT_EQ(type, FindExceptionType(type->name));
  if (type->by_text) {
    if constexpr (std::is_base_of_v<std::exception, E>) {
      return type->unbox(error.what());
    }
  }
  return type->unbox(type->box(std::make_exception_ptr(error)));
}

TEST(ErrorRegistryTest, RegisteredTypeIsKnownByItsQualifiedName) {
  const ExceptionType* const type = FindExceptionType("bank::Overdrawn");
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(*type->type, typeid(bank::Overdrawn));
  EXPECT_EQ(FindExceptionType("Overdrawn"), nullptr);
  EXPECT_EQ(FindExceptionType(typeid(int)), nullptr);
}

TEST(ErrorRegistryTest, TextMakesItAgain) {
  const std::exception_ptr error = RoundTrip(bank::Overdrawn("by 7"));
  EXPECT_EQ(ExceptionTypeName(error), "bank::Overdrawn");
  EXPECT_EQ(DescribeException(error), "bank::Overdrawn: by 7");
}

TEST(ErrorRegistryTest, OwnBoxingKeepsWhatTextDoesNot) {
  const std::exception_ptr error = RoundTrip(bank::Locked(4711));
  int account = 0;
  EXPECT_TRUE(VisitAs<bank::Locked>(
      error, [&](const bank::Locked& e) { account = e.account(); }));
  EXPECT_EQ(account, 4711);
}

TEST(ErrorRegistryTest, TraitsBoxWhatIsNotOurs) {
  const std::exception_ptr error = RoundTrip(bank::Foreign{13});
  int code = 0;
  EXPECT_TRUE(VisitAs<bank::Foreign>(
      error, [&](const bank::Foreign& e) { code = e.code; }));
  EXPECT_EQ(code, 13);
}

template <class E>
void ExpectCrosses(const E& error) {
  const std::exception_ptr made = RoundTrip(error);
  ASSERT_TRUE(made) << typeid(E).name();
  EXPECT_EQ(DescribeException(made),
            DescribeException(std::make_exception_ptr(error)));
}

TEST(ErrorRegistryTest, StandardTypesAreBuiltIn) {
  ExpectCrosses(std::runtime_error("x"));
  ExpectCrosses(std::range_error("x"));
  ExpectCrosses(std::overflow_error("x"));
  ExpectCrosses(std::underflow_error("x"));
  ExpectCrosses(std::logic_error("x"));
  ExpectCrosses(std::domain_error("x"));
  ExpectCrosses(std::invalid_argument("x"));
  ExpectCrosses(std::length_error("x"));
  ExpectCrosses(std::out_of_range("x"));
  ExpectCrosses(std::bad_alloc());
  ExpectCrosses(std::bad_array_new_length());
  ExpectCrosses(std::bad_cast());
  ExpectCrosses(std::bad_typeid());
  ExpectCrosses(std::bad_exception());
  ExpectCrosses(std::bad_function_call());
  ExpectCrosses(std::bad_optional_access());
  ExpectCrosses(std::bad_variant_access());
  ExpectCrosses(std::bad_any_cast());
  ExpectCrosses(std::bad_weak_ptr());
}

void ExpectCodeCrosses(const std::system_error& error) {
  ExpectCrosses(error);
  EXPECT_TRUE(VisitAs<std::system_error>(
      RoundTrip(error), [&error](const std::system_error& made) {
        EXPECT_EQ(made.code(), error.code());
      }));
}

TEST(ErrorRegistryTest, SystemErrorKeepsItsCode) {
  const std::error_code missing(ENOENT, std::system_category());
  ExpectCodeCrosses(std::system_error(missing, "open(/x)"));
  ExpectCodeCrosses(std::system_error(missing));
  ExpectCodeCrosses(std::system_error(missing, "two\nlines: colon"));
  ExpectCodeCrosses(
      std::system_error(std::make_error_code(std::errc::timed_out), "read"));
}

TEST(ErrorRegistryTest, WhatCannotBeReadThrows) {
  const ExceptionType* const type = FindExceptionType("std::system_error");
  ASSERT_NE(type, nullptr);
  EXPECT_THROW(type->unbox(""), std::invalid_argument);
  EXPECT_THROW(type->unbox("system\nnine\nx"), std::invalid_argument);
  EXPECT_THROW(type->unbox("no such category\n9\nx"), std::invalid_argument);
}

}  // namespace
}  // namespace tractor::internal
