// Division by a constant, written out as the multiplication that code generation would make of it.
//
// Left to code generation, the factor appears where nobody can give the shadow one of its own: both slices would share
// it, and it often sits in a register throughout a loop. (Hacker's Delight, chapter 10; LLVM computes the factors.)
#include "llvm-c/Core.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Support/DivisionByConstantInfo.h"

using namespace llvm;

namespace {

// The high half of a product with a constant. The constant is extended by an instruction, so that it is an operand.
Value *highHalf(IRBuilder<> &B, Value *X, const APInt &Factor, bool IsSigned) {
  Type *T = X->getType(), *Wide = T->getExtendedType();
  auto Extend = IsSigned ? Instruction::SExt : Instruction::ZExt;
  Value *K = B.Insert(CastInst::Create(Extend, ConstantInt::get(T, Factor), Wide));
  Value *Product = B.CreateMul(B.CreateCast(Extend, X, Wide), K);
  return B.CreateTrunc(B.CreateLShr(Product, T->getScalarSizeInBits()), T);
}

Value *unsignedQuotient(IRBuilder<> &B, Value *X, const APInt &D) {
  auto M = UnsignedDivisionByConstantInfo::get(D);
  Value *Q = highHalf(B, M.PreShift ? B.CreateLShr(X, M.PreShift) : X, M.Magic, false);
  if (M.IsAdd)
    Q = B.CreateAdd(B.CreateLShr(B.CreateSub(X, Q), 1), Q);
  return M.PostShift ? B.CreateLShr(Q, M.PostShift) : Q;
}

Value *signedQuotient(IRBuilder<> &B, Value *X, const APInt &D) {
  auto M = SignedDivisionByConstantInfo::get(D);
  Value *Q = highHalf(B, X, M.Magic, true);
  if (D.isStrictlyPositive() && M.Magic.isNegative())
    Q = B.CreateAdd(Q, X);
  else if (D.isNegative() && M.Magic.isStrictlyPositive())
    Q = B.CreateSub(Q, X);
  if (M.ShiftAmount)
    Q = B.CreateAShr(Q, M.ShiftAmount);
  return B.CreateAdd(Q, B.CreateLShr(Q, X->getType()->getScalarSizeInBits() - 1));
}

} // namespace

// Writes out a division by a constant and erases it. Powers of two become shifts without a factor and are left alone.
extern "C" void rcb_write_out_division(LLVMValueRef Inst) {
  auto *I = dyn_cast<BinaryOperator>(unwrap(Inst));
  if (!I || !I->isIntDivRem())
    return;
  auto *K = dyn_cast<Constant>(I->getOperand(1));
  if (K && K->getType()->isVectorTy())
    K = K->getSplatValue();
  auto *C = dyn_cast_or_null<ConstantInt>(K);
  unsigned Bits = I->getType()->getScalarSizeInBits();
  if (!C || (Bits != 8 && Bits != 16 && Bits != 32 && Bits != 64))
    return;
  const APInt &D = C->getValue();
  bool IsSigned = I->getOpcode() == Instruction::SDiv || I->getOpcode() == Instruction::SRem;
  if (D.isZero() || D.isOne() || (IsSigned ? D.abs().isPowerOf2() : D.isPowerOf2()))
    return;
  IRBuilder<> B(I);
  Value *X = I->getOperand(0);
  Value *Q = IsSigned ? signedQuotient(B, X, D) : unsignedQuotient(B, X, D);
  if (I->getOpcode() == Instruction::URem || I->getOpcode() == Instruction::SRem)
    Q = B.CreateSub(X, B.CreateMul(Q, I->getOperand(1)));
  I->replaceAllUsesWith(Q);
  I->eraseFromParent();
}
