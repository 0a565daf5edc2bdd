// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
//
// A doubly linked list whose links live in its elements: linking and unlinking
// never allocate, and an element leaves its list in O(1) without knowing it.
// The cancel tree and the children of a nursery are made of these.
#ifndef TRACTOR_RUNTIME_TASK_INTERNAL_INTRUSIVE_LIST_H_
#define TRACTOR_RUNTIME_TASK_INTERNAL_INTRUSIVE_LIST_H_

#include <cstddef>

namespace tractor::internal {

// One link. `Tag` tells the links of an element that is in several lists apart.
template <class Tag>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { Unlink(); }

  bool linked() const { return next_ != nullptr; }

  void Unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;

  ListLink* prev_ = nullptr;
  ListLink* next_ = nullptr;
};

// The list: a ring through a sentinel. Owns nothing.
template <class T, class Tag>
class IntrusiveList {
 public:
  using Link = ListLink<Tag>;

  IntrusiveList() { Clear(); }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
    Clear();
    head_.prev_ = head_.next_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }

  void PushBack(T& element) {
    Link& link = element;
    link.prev_ = head_.prev_;
    link.next_ = &head_;
    head_.prev_->next_ = &link;
    head_.prev_ = &link;
  }

  T* front() const { return empty() ? nullptr : From(head_.next_); }

  T* PopFront() {
    if (empty()) return nullptr;
    T* element = From(head_.next_);
    static_cast<Link*>(element)->Unlink();
    return element;
  }

  // The element after `element`, or null. `element` must be in this list.
  T* Next(const T& element) const {
    const Link& link = element;
    return link.next_ == &head_ ? nullptr : From(link.next_);
  }

  // Calls `visit(T&)` for each. `visit` may unlink the element that it is
  // given.
  template <class Visit>
  void ForEach(Visit visit) const {
    Link* link = head_.next_;
    while (link != &head_) {
      Link* next = link->next_;
      visit(*From(link));
      link = next;
    }
  }

 private:
  static T* From(Link* link) { return static_cast<T*>(link); }
  void Clear() { head_.prev_ = head_.next_ = &head_; }

  // Its own address is the end mark, so the list cannot be moved.
  mutable Link head_;
};

}  // namespace tractor::internal

#endif  // TRACTOR_RUNTIME_TASK_INTERNAL_INTRUSIVE_LIST_H_
