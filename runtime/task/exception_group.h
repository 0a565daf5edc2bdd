// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// ExceptionGroup: several errors that happened side by side, all kept.
//
//   try {
//     co_await tractor::WithNursery(...);
//   } catch (tractor::ExceptionGroup& group) {
//     if (auto lost = group.Take<ConnectionLost>()) Reconnect(*lost);
//     if (!group.errors().empty()) throw group;    // the rest goes on
//   }
//
// Rules. A group is never empty when it is thrown by a nursery, may hold
// groups, and never holds a cancellation. what() is a readable tree, root cause
// first.
#ifndef TRACTOR_RUNTIME_TASK_EXCEPTION_GROUP_H_
#define TRACTOR_RUNTIME_TASK_EXCEPTION_GROUP_H_

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/task/internal/exceptions.h"

namespace tractor {

// An error whose what() is long, or slow to make.
class BriefError {
 public:
  virtual std::string Brief() const = 0;  // one line

 protected:
  virtual ~BriefError() = default;
};

class ExceptionGroup : public std::exception, public BriefError {
 public:
  using Predicate = std::function<bool(const std::exception_ptr&)>;

  ExceptionGroup(std::string_view message,
                 std::vector<std::exception_ptr> errors);

  const std::string& message() const { return message_; }
  // In the order in which they happened.
  const std::vector<std::exception_ptr>& errors() const { return errors_; }

  // Every error that is no group, in order, from all levels.
  std::vector<std::exception_ptr> Leaves() const;

  // The errors (leaves) for which `match` holds and the others, each with the
  // nesting that they had; nullopt where there is none.
  std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> Split(
      const Predicate& match) const;

  // Splits off the errors that are an E, and keeps the others.
  template <class E>
  std::optional<ExceptionGroup> Take();

  // True when some error, at any level, is an E.
  template <class E>
  bool Contains() const;

  // The text of a tree, one error a line, nested groups indented. Made when it
  // is first asked for.
  const char* what() const noexcept override;
  // "errors in a nursery (2 errors)".
  std::string Brief() const override;

 private:
  struct Text;

  std::string message_;
  std::vector<std::exception_ptr> errors_;
  std::shared_ptr<Text> text_;  // of all copies
};

// True when `error` is an E (not when it is a group that holds one).
template <class E>
bool IsA(const std::exception_ptr& error);

// A group that holds one error, holding one error, ... : that error. Anything
// else: itself.
std::exception_ptr Collapse(std::exception_ptr error);

// `throw`s `errors` the way nurseries do: nothing for none, the error itself
// for one, a group for more.
void ThrowCollapsed(std::string_view message,
                    std::vector<std::exception_ptr> errors);

// "std::out_of_range: index 7": the type and the whole what().
std::string DescribeException(const std::exception_ptr& error);
// The same in one line, which is quick for every error: what reasons of cancels
// and log records say.
std::string DescribeBriefly(const std::exception_ptr& error);
// "std::out_of_range"; "unknown exception" when it is no std::exception.
std::string ExceptionTypeName(const std::exception_ptr& error);

template <class E>
bool IsA(const std::exception_ptr& error) {
  return internal::VisitAs<E>(error, [](const E&) {});
}

template <class E>
std::optional<ExceptionGroup> ExceptionGroup::Take() {
  auto [taken, rest] = Split(IsA<E>);
  errors_ = rest ? rest->errors() : std::vector<std::exception_ptr>();
  *this = ExceptionGroup(message_, std::move(errors_));
  return std::move(taken);
}

template <class E>
bool ExceptionGroup::Contains() const {
  for (const std::exception_ptr& leaf : Leaves()) {
    if (IsA<E>(leaf)) return true;
  }
  return false;
}

}  // namespace tractor

#endif  // TRACTOR_RUNTIME_TASK_EXCEPTION_GROUP_H_
