; Both ways out of a branch, and every case of a switch, decide again with the shadow.
; RUN: swift
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: define i32 @branch(i32 %x)
; CHECK: br i1 %c, label %[[T:rcb.way[0-9]*]], label %[[F:rcb.way[0-9]*]]
; CHECK: [[T]]:
; CHECK-NEXT: %[[A:.*]] = icmp slt i32 %{{.*}}, 5
; CHECK-NEXT: br i1 %[[A]], label %{{.*}}, label %rcb.fault.branch
; CHECK: [[F]]:
; CHECK-NEXT: %[[B:.*]] = icmp slt i32 %{{.*}}, 5
; CHECK-NEXT: br i1 %[[B]], label %rcb.fault.branch, label
define i32 @branch(i32 %x) {
  %c = icmp slt i32 %x, 5
  br i1 %c, label %yes, label %no
yes:
  ret i32 1
no:
  ret i32 2
}

; CHECK-LABEL: define i32 @choose(i32 %x)
; CHECK: switch i32 %x, label %rcb.default [
; CHECK: rcb.default:
; CHECK-NEXT: switch i32 %{{.*}}, label %{{.*}} [
; CHECK-NEXT: i32 4, label %rcb.fault.branch
; CHECK: {{^}}rcb.case:
; CHECK-NEXT: icmp ne i32 %{{.*}}, 4
define i32 @choose(i32 %x) {
  switch i32 %x, label %other [ i32 4, label %four
                                i32 9, label %nine ]
four:
  ret i32 40
nine:
  ret i32 90
other:
  ret i32 0
}
