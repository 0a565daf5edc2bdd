// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// Looking at an exception of any type, std::exception or not. The only code
// besides the boundaries that needs `catch (...)`.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_EXCEPTIONS_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_EXCEPTIONS_H_

#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

namespace tractor::internal {

// Calls `std_visit(const std::exception&)`, or `other_visit()` for an exception
// that is none.
template <class StdVisit, class OtherVisit>
auto VisitException(const std::exception_ptr& error, StdVisit std_visit,
                    OtherVisit other_visit) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return std_visit(e);
  } catch (...) {
    return other_visit();
  }
}

// Calls `f()`; what it throws comes back as a value.
template <class F>
std::exception_ptr Catch(F f) noexcept {
  try {
    std::move(f)();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

// Calls `visit(const E&)` when `error` is an E. True then.
template <class E, class Visit>
bool VisitAs(const std::exception_ptr& error, Visit visit) {
  if (!error) return false;
  const E* found = nullptr;
  try {
    std::rethrow_exception(error);
  } catch (const E& e) {
    found = &e;
    visit(*found);
    return true;
  } catch (...) {
    return false;
  }
}

// The name of the exception's dynamic type, demangled.
std::string TypeName(const std::exception_ptr& error);
// The same for any type.
std::string Demangle(const std::type_info& type);

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_EXCEPTIONS_H_
