; With +cfc the values of a stretch of a block come first, then their shadows: a jump within the block leaves out different ones.
; RUN: swift+cfc
target triple = "x86_64-unknown-linux-gnu"

@table = global [256 x i32] zeroinitializer

; CHECK-LABEL: define i32 @apart(i32 %x, i32 %y)
; CHECK: asm "", "=r,0"(i32 %x)
; CHECK: %[[a:.*]] = add i32 %x, %y
; CHECK-NEXT: %[[b:.*]] = xor i32 %[[a]], %x
; CHECK-NEXT: %[[c:.*]] = mul i32 %[[b]], %y
; CHECK: add i32
; CHECK-NEXT: xor i32
; CHECK-NEXT: mul i32
define i32 @apart(i32 %x, i32 %y) {
  %a = add i32 %x, %y
  %b = xor i32 %a, %x
  %c = mul i32 %b, %y
  ret i32 %c
}

; Constants that the shadows use are made among them, and a store ends the stretch.
; CHECK-LABEL: define void @store(i64 %i, i32 %x)
; CHECK: %[[at:.*]] = getelementptr i32, ptr @table, i64 %i
; CHECK-NEXT: %[[old:.*]] = load i32, ptr %[[at]]
; CHECK-NEXT: %[[new:.*]] = mul i32 %[[old]], %x
; CHECK: load ptr, ptr @rcb.k
; CHECK: mul i32
; CHECK: store i32 %[[new]], ptr %[[at]]
define void @store(i64 %i, i32 %x) {
  %at = getelementptr i32, ptr @table, i64 %i
  %old = load i32, ptr %at
  %new = mul i32 %old, %x
  store i32 %new, ptr %at
  ret void
}

; A landing pad stays first in its block, also when nobody looks at it.
declare void @far()
declare i32 @__gxx_personality_v0(...)

; CHECK-LABEL: define void @pad(
; CHECK: landingpad { ptr, i32 }
define void @pad(i32 %x, ptr %at) personality ptr @__gxx_personality_v0 {
  invoke void @far() to label %good unwind label %bad
good:
  ret void
bad:
  %z = phi i32 [ %x, %0 ]
  %seen = landingpad { ptr, i32 } cleanup
  %y = add i32 %z, 7
  store i32 %y, ptr %at
  ret void
}
