// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/task/exception_group.h"

#include <mutex>

#include "runtime/task/internal/exceptions.h"

namespace tractor {
namespace {

// Calls `visit(group)` when `error` is a group.
template <class Visit>
bool IfGroup(const std::exception_ptr& error, Visit visit) {
  return internal::VisitAs<ExceptionGroup>(error, visit);
}

void AddLeaves(const ExceptionGroup& group,
               std::vector<std::exception_ptr>& leaves) {
  for (const std::exception_ptr& error : group.errors()) {
    const bool nested = IfGroup(error, [&leaves](const ExceptionGroup& inner) {
      AddLeaves(inner, leaves);
    });
    if (!nested) leaves.push_back(error);
  }
}

// Every line after the first one gets `indent` in front.
std::string Indented(std::string_view text, std::string_view indent) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += indent;
  }
  return result;
}

std::string BriefText(std::string_view message, size_t count) {
  return std::string(message) + " (" + std::to_string(count) +
         (count == 1 ? " error)" : " errors)");
}

std::string TreeText(std::string_view message,
                     const std::vector<std::exception_ptr>& errors) {
  std::string text = BriefText(message, errors.size());
  for (size_t i = 0; i < errors.size(); ++i) {
    const bool last = i + 1 == errors.size();
    text += "\n|- ";
    text += Indented(DescribeException(errors[i]), last ? "   " : "|  ");
  }
  return text;
}

}  // namespace

struct ExceptionGroup::Text {
  std::once_flag once;
  std::string text;
};

ExceptionGroup::ExceptionGroup(std::string_view message,
                               std::vector<std::exception_ptr> errors)
    : message_(message),
      errors_(std::move(errors)),
      text_(std::make_shared<Text>()) {}

const char* ExceptionGroup::what() const noexcept {
  std::call_once(text_->once,
                 [this] { text_->text = TreeText(message_, errors_); });
  return text_->text.c_str();
}

std::string ExceptionGroup::Brief() const {
  return BriefText(message_, errors_.size());
}

std::vector<std::exception_ptr> ExceptionGroup::Leaves() const {
  std::vector<std::exception_ptr> leaves;
  AddLeaves(*this, leaves);
  return leaves;
}

std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>>
ExceptionGroup::Split(const Predicate& match) const {
  std::vector<std::exception_ptr> yes;
  std::vector<std::exception_ptr> no;
  for (const std::exception_ptr& error : errors_) {
    const bool nested = IfGroup(error, [&](const ExceptionGroup& inner) {
      auto [inner_yes, inner_no] = inner.Split(match);
      if (inner_yes) yes.push_back(std::make_exception_ptr(*inner_yes));
      if (inner_no) no.push_back(std::make_exception_ptr(*inner_no));
    });
    if (!nested) (match(error) ? yes : no).push_back(error);
  }
  std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> parts;
  if (!yes.empty()) parts.first.emplace(message_, std::move(yes));
  if (!no.empty()) parts.second.emplace(message_, std::move(no));
  return parts;
}

std::exception_ptr Collapse(std::exception_ptr error) {
  while (true) {
    std::exception_ptr only;
    IfGroup(error, [&only](const ExceptionGroup& group) {
      if (group.errors().size() == 1) only = group.errors().front();
    });
    if (!only) return error;
    error = std::move(only);
  }
}

void ThrowCollapsed(std::string_view message,
                    std::vector<std::exception_ptr> errors) {
  if (errors.empty()) return;
  if (errors.size() == 1) std::rethrow_exception(errors.front());
  throw ExceptionGroup(message, std::move(errors));
}

std::string ExceptionTypeName(const std::exception_ptr& error) {
  return internal::TypeName(error);
}

std::string DescribeException(const std::exception_ptr& error) {
  if (!error) return "no error";
  return internal::VisitException(
      error,
      [&error](const std::exception& e) {
        const bool group = dynamic_cast<const ExceptionGroup*>(&e) != nullptr;
        return group ? std::string(e.what())
                     : internal::TypeName(error) + ": " + e.what();
      },
      [&error] { return internal::TypeName(error); });
}

std::string DescribeBriefly(const std::exception_ptr& error) {
  if (!error) return "no error";
  const std::string type = internal::TypeName(error);
  return internal::VisitException(
      error,
      [&type](const std::exception& e) {
        const auto* brief = dynamic_cast<const BriefError*>(&e);
        if (brief != nullptr) return brief->Brief();
        const std::string_view text = e.what();
        return type + ": " + std::string(text.substr(0, text.find('\n')));
      },
      [&type] { return type; });
}

}  // namespace tractor
