// What LLVM's C interface cannot do: everything here is a few lines over one method of the C++ interface.
#include "llvm-c/Core.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace {

// Parameter attributes that say how a value is passed; everything else is advice that a second copy would break.
const Attribute::AttrKind PassingKinds[] = {
    Attribute::ByVal,    Attribute::StructRet, Attribute::InReg,     Attribute::Nest,     Attribute::ZExt,
    Attribute::SExt,     Attribute::Alignment, Attribute::SwiftSelf, Attribute::SwiftAsync};

AttributeSet onlyPassing(LLVMContext &C, AttributeSet Old) {
  AttrBuilder B(C);
  for (auto Kind : PassingKinds)
    if (Old.hasAttribute(Kind))
      B.addAttribute(Old.getAttribute(Kind));
  return AttributeSet::get(C, B);
}

// Promises about memory and termination do not hold once a function may report a fault.
AttributeSet withoutPromises(LLVMContext &C, AttributeSet Old) {
  AttrBuilder B(C, Old);
  for (auto Kind : {Attribute::Memory, Attribute::WillReturn, Attribute::NoCallback, Attribute::NoSync,
                    Attribute::NoFree, Attribute::Speculatable, Attribute::AllocSize, Attribute::AllocKind,
                    Attribute::MustProgress, Attribute::NoReturn})
    B.removeAttribute(Kind);
  if (Old.hasAttribute(Attribute::NoReturn))
    B.addAttribute(Attribute::NoReturn);
  return AttributeSet::get(C, B);
}

AttributeList hardenedList(LLVMContext &C, AttributeList Old, unsigned Params) {
  SmallVector<AttributeSet, 8> Sets;
  for (unsigned I = 0; I < Params; ++I)
    Sets.push_back(onlyPassing(C, Old.getParamAttrs(I)));
  return AttributeList::get(C, withoutPromises(C, Old.getFnAttrs()), AttributeSet(), Sets);
}

Constant *define(Constant *K) {
  if (isa<UndefValue>(K)) // poison is one, too
    return K->getType()->isTokenTy() ? K : Constant::getNullValue(K->getType());
  SmallVector<Constant *, 16> Parts;
  bool Changed = false;
  if (isa<ConstantAggregate>(K)) {
    for (auto &Op : K->operands()) {
      Parts.push_back(define(cast<Constant>(Op.get())));
      Changed |= Parts.back() != Op.get();
    }
    if (!Changed)
      return K;
    if (auto *T = dyn_cast<StructType>(K->getType()))
      return ConstantStruct::get(T, Parts);
    if (auto *T = dyn_cast<ArrayType>(K->getType()))
      return ConstantArray::get(T, Parts);
    return ConstantVector::get(Parts);
  }
  return K;
}

} // namespace

extern "C" {

// Splits a block before an instruction; the rest goes to the block that is returned.
LLVMBasicBlockRef rcb_split_before(LLVMValueRef Inst) {
  auto *I = unwrap<Instruction>(Inst);
  return wrap(I->getParent()->splitBasicBlock(I->getIterator()));
}

// Moves a function's body to a new internal function that takes every parameter twice and returns the value twice.
// The old function is left without a body. `Twice` says which parameters get a second copy.
LLVMValueRef rcb_make_twin(LLVMValueRef Fn, const char *Name, const uint8_t *Twice) {
  auto *F = unwrap<Function>(Fn);
  auto &C = F->getContext();
  SmallVector<Type *, 16> Params(F->getFunctionType()->params());
  const unsigned Own = Params.size();
  for (unsigned I = 0; I < Own; ++I)
    if (Twice[I])
      Params.push_back(F->getFunctionType()->getParamType(I));
  Type *Result = F->getReturnType();
  if (!Result->isVoidTy())
    Result = StructType::get(C, {Result, Result});
  auto *T = FunctionType::get(Result, Params, false);
  auto *N = Function::Create(T, GlobalValue::InternalLinkage, F->getAddressSpace(), Name, F->getParent());
  N->setCallingConv(F->getCallingConv());
  N->setAttributes(hardenedList(C, F->getAttributes(), Own));
  N->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  N->setAlignment(F->getAlign());
  if (F->hasSection())
    N->setSection(F->getSection());
  if (F->hasGC())
    N->setGC(F->getGC());
  if (F->hasPersonalityFn())
    N->setPersonalityFn(F->getPersonalityFn());
  N->setSubprogram(F->getSubprogram());
  N->splice(N->begin(), F);
  auto To = N->arg_begin();
  for (auto &A : F->args()) {
    To->setName(A.getName());
    A.replaceAllUsesWith(&*To);
    ++To;
  }
  F->setSubprogram(nullptr);
  F->setPersonalityFn(nullptr);
  F->setAttributes(AttributeList::get(C, withoutPromises(C, F->getAttributes().getFnAttrs()),
                                      F->getAttributes().getRetAttrs(),
                                      [&] {
                                        SmallVector<AttributeSet, 8> S;
                                        for (unsigned I = 0; I < Own; ++I)
                                          S.push_back(onlyPassing(C, F->getAttributes().getParamAttrs(I)));
                                        return S;
                                      }()));
  return wrap(N);
}

// Gives a twin the linkage of a function that several objects may define: one definition of the twin survives, too.
void rcb_share_twin(LLVMValueRef Fn, LLVMValueRef Twin) {
  auto *F = unwrap<Function>(Fn), *N = unwrap<Function>(Twin);
  N->setLinkage(F->getLinkage());
  N->setVisibility(GlobalValue::HiddenVisibility);
  N->setDSOLocal(true);
  if (F->hasComdat()) {
    auto *D = F->getParent()->getOrInsertComdat(N->getName());
    D->setSelectionKind(F->getComdat()->getSelectionKind());
    N->setComdat(D);
  }
}

// A call of a twin in place of a call of its function, inserted before it: the old arguments, then the shadows.
LLVMValueRef rcb_call_twin(LLVMValueRef Old, LLVMValueRef Twin, LLVMValueRef *Shadows, unsigned Count) {
  auto *CB = unwrap<CallBase>(Old);
  auto *N = unwrap<Function>(Twin);
  auto &C = N->getContext();
  SmallVector<Value *, 16> Args(CB->args());
  for (unsigned I = 0; I < Count; ++I)
    Args.push_back(unwrap(Shadows[I]));
  SmallVector<OperandBundleDef, 1> Bundles;
  CB->getOperandBundlesAsDefs(Bundles);
  CallBase *New;
  if (auto *II = dyn_cast<InvokeInst>(CB)) {
    New = InvokeInst::Create(N->getFunctionType(), N, II->getNormalDest(), II->getUnwindDest(), Args, Bundles, "",
                             CB->getIterator());
  } else {
    auto *Call = CallInst::Create(N->getFunctionType(), N, Args, Bundles, "", CB->getIterator());
    Call->setTailCallKind(cast<CallInst>(CB)->getTailCallKind());
    New = Call;
  }
  New->setCallingConv(N->getCallingConv());
  SmallVector<AttributeSet, 8> Sets;
  for (unsigned I = 0; I < CB->arg_size(); ++I)
    Sets.push_back(onlyPassing(C, CB->getAttributes().getParamAttrs(I)));
  New->setAttributes(
      AttributeList::get(C, withoutPromises(C, CB->getAttributes().getFnAttrs()), AttributeSet(), Sets));
  New->setDebugLoc(CB->getDebugLoc());
  return wrap(New);
}

// Takes promises from a hardened function that keeps its signature.
void rcb_drop_promises(LLVMValueRef Fn) {
  auto *F = unwrap<Function>(Fn);
  auto &C = F->getContext();
  auto Old = F->getAttributes();
  SmallVector<AttributeSet, 8> Sets;
  for (unsigned I = 0; I < F->arg_size(); ++I)
    Sets.push_back(onlyPassing(C, Old.getParamAttrs(I)));
  F->setAttributes(AttributeList::get(C, withoutPromises(C, Old.getFnAttrs()), Old.getRetAttrs(), Sets));
}

// Takes them from a call of a hardened function.
void rcb_drop_call_promises(LLVMValueRef Call) {
  auto *CB = unwrap<CallBase>(Call);
  auto &C = CB->getContext();
  auto Old = CB->getAttributes();
  CB->setAttributes(AttributeList::get(C, withoutPromises(C, Old.getFnAttrs()), Old.getRetAttrs(),
                                       [&] {
                                         SmallVector<AttributeSet, 8> S;
                                         for (unsigned I = 0; I < CB->arg_size(); ++I)
                                           S.push_back(Old.getParamAttrs(I));
                                         return S;
                                       }()));
}

// Gives a call the parameter attributes of what it calls that say how values are passed.
void rcb_take_passing(LLVMValueRef Call, LLVMValueRef Fn) {
  auto *CB = unwrap<CallBase>(Call);
  auto *F = unwrap<Function>(Fn);
  SmallVector<AttributeSet, 8> Sets;
  for (unsigned I = 0; I < CB->arg_size(); ++I)
    Sets.push_back(onlyPassing(CB->getContext(), F->getAttributes().getParamAttrs(I)));
  CB->setAttributes(AttributeList::get(CB->getContext(), AttributeSet(), AttributeSet(), Sets));
}

// A constant without undefined parts: two copies of an undefined value would differ.
LLVMValueRef rcb_define(LLVMValueRef Val) {
  auto *K = dyn_cast<Constant>(unwrap(Val));
  return K ? wrap(define(K)) : Val;
}

// The address that another one lies a constant distance behind, through computations in the block of the first.
LLVMValueRef rcb_near_root(LLVMValueRef Address) {
  auto *A = unwrap(Address);
  auto *First = dyn_cast<GetElementPtrInst>(A);
  if (!First)
    return Address;
  auto &L = First->getDataLayout();
  APInt Offset(L.getIndexTypeSizeInBits(A->getType()), 0);
  auto *G = First;
  while (G && G->getParent() == First->getParent() && G->accumulateConstantOffset(L, Offset)) {
    A = G->getPointerOperand();
    G = dyn_cast<GetElementPtrInst>(A);
  }
  return Offset.isSignedIntN(32) ? wrap(A) : Address;
}

int rcb_is_dso_local(LLVMValueRef Val) {
  auto *G = dyn_cast<GlobalValue>(unwrap(Val)->stripInBoundsConstantOffsets());
  return G && (G->isDSOLocal() || G->hasLocalLinkage()) && !G->isThreadLocal() && !isa<GlobalIFunc>(G);
}

// Whether an address is of a slot of the frame or a variable that may change: what is read there twice is read twice.
// (A load of a constant, volatile or not, is merged with another one by code generation.)
int rcb_is_changeable(LLVMValueRef Val) {
  auto *V = unwrap(Val)->stripInBoundsConstantOffsets();
  auto *G = dyn_cast<GlobalVariable>(V);
  return isa<AllocaInst>(V) || (G && !G->isConstant());
}

int rcb_is_thread_local(LLVMValueRef Val) {
  auto *G = dyn_cast<GlobalValue>(unwrap(Val)->stripInBoundsConstantOffsets());
  return G && G->isThreadLocal();
}

int rcb_is_static_alloca(LLVMValueRef Val) {
  auto *A = dyn_cast<AllocaInst>(unwrap(Val));
  return A && A->isStaticAlloca() && !A->isUsedWithInAlloca() && !A->isSwiftError();
}

// Whether a call is of an intrinsic that only computes: calling it twice is computing twice.
int rcb_is_pure_intrinsic(LLVMValueRef Call) {
  auto *CB = unwrap<CallBase>(Call);
  auto *F = CB->getCalledFunction();
  if (!F || !F->isIntrinsic() || isa<InvokeInst>(CB) || CB->hasOperandBundles())
    return 0;
  switch (F->getIntrinsicID()) {
  case Intrinsic::threadlocal_address:
  case Intrinsic::frameaddress:
  case Intrinsic::returnaddress:
  case Intrinsic::addressofreturnaddress:
  case Intrinsic::ssa_copy:
    return 0;
  default:
    break;
  }
  return F->doesNotAccessMemory() && F->doesNotThrow() && F->willReturn() && !F->isConvergent() &&
         !F->getReturnType()->isVoidTy() && !F->getReturnType()->isTokenTy();
}

// Whether an argument must stay the constant that it is.
int rcb_is_immediate_argument(LLVMValueRef Call, unsigned I) {
  auto *CB = unwrap<CallBase>(Call);
  return I < CB->arg_size() && CB->paramHasAttr(I, Attribute::ImmArg);
}

// Whether an argument is passed in a way that only one value can take.
int rcb_is_single_param(LLVMValueRef Fn, unsigned I) {
  auto *F = unwrap<Function>(Fn);
  for (auto Kind : {Attribute::ByVal, Attribute::InAlloca, Attribute::Preallocated, Attribute::SwiftError,
                    Attribute::SwiftAsync, Attribute::Nest})
    if (F->hasParamAttribute(I, Kind))
      return 1;
  return 0;
}

// Whether only direct calls use a function, in the same way as it is declared.
int rcb_has_other_uses(LLVMValueRef Fn) {
  auto *F = unwrap<Function>(Fn);
  return !F->use_empty();
}

int rcb_is_exact_direct_call(LLVMValueRef Call) {
  auto *CB = unwrap<CallBase>(Call);
  auto *F = CB->getCalledFunction();
  return F && F->getFunctionType() == CB->getFunctionType() && !isa<CallBrInst>(CB) &&
         F->getCallingConv() == CB->getCallingConv();
}

int rcb_is_must_tail(LLVMValueRef Call) {
  auto *C = dyn_cast<CallInst>(unwrap(Call));
  return C && C->isMustTailCall();
}

// Whether a call runs code of others that may count on the direction flag: a library function, or an operation on memory
// of a known length for which the C library takes string instructions (2 KiB and more). Where the length is not known it is
// rarely so long, and the many short ones would pay for it.
int rcb_needs_direction(LLVMValueRef Call) {
  auto *CB = unwrap<CallBase>(Call);
  if (auto *M = dyn_cast<AnyMemIntrinsic>(CB)) {
    auto *Length = dyn_cast<ConstantInt>(M->getLength());
    return Length && Length->getZExtValue() >= 1024;
  }
  auto *F = CB->getCalledFunction();
  return F && F->isDeclaration() && !F->isIntrinsic();
}

int rcb_has_attribute(LLVMValueRef Fn, const char *Name) {
  auto *F = unwrap<Function>(Fn);
  auto Kind = Attribute::getAttrKindFromName(Name);
  return Kind != Attribute::None ? F->hasFnAttribute(Kind) : F->hasFnAttribute(Name);
}

int rcb_is_debug_or_marker(LLVMValueRef Inst) {
  auto *I = dyn_cast<IntrinsicInst>(unwrap(Inst));
  return I && (isa<DbgInfoIntrinsic>(I) || I->isLifetimeStartOrEnd() || I->isAssumeLikeIntrinsic());
}

int rcb_is_operand_splat(LLVMValueRef Val) {
  auto *K = dyn_cast<Constant>(unwrap(Val));
  return K && K->getType()->isVectorTy() && K->getSplatValue();
}

void rcb_copy_location(LLVMValueRef To, LLVMValueRef From) {
  if (auto *I = dyn_cast<Instruction>(unwrap(To)))
    I->setDebugLoc(unwrap<Instruction>(From)->getDebugLoc());
}

// Gives an instruction the location "somewhere in its function" where the function has debug information: a call of a
// function that has some, too, must have a location.
void rcb_locate_in_function(LLVMValueRef Inst) {
  auto *I = unwrap<Instruction>(Inst);
  if (auto *S = I->getFunction()->getSubprogram())
    I->setDebugLoc(DILocation::get(I->getContext(), 0, 0, S));
}

// A conditional branch of which the first or the second way is practically never taken.
LLVMValueRef rcb_branch_unlikely(LLVMBuilderRef B, LLVMValueRef Cond, LLVMBasicBlockRef Then, LLVMBasicBlockRef Else,
                                 int FirstIsRare) {
  MDBuilder M(unwrap(B)->getContext());
  auto *W = FirstIsRare ? M.createBranchWeights(1, (1u << 20) - 1) : M.createBranchWeights((1u << 20) - 1, 1);
  return wrap(unwrap(B)->CreateCondBr(unwrap(Cond), unwrap(Then), unwrap(Else), W));
}

// Size in bits of a first-class type that is no aggregate, as it lies in a register; 0 when it has none.
uint64_t rcb_bits(LLVMTypeRef Ty) {
  auto *T = unwrap(Ty);
  return T->isPointerTy() || T->isPtrOrPtrVectorTy() ? 0 : T->getPrimitiveSizeInBits().getKnownMinValue();
}

int rcb_is_scalable(LLVMTypeRef Ty) { return unwrap(Ty)->isScalableTy(); }

// Length of a memcpy, memmove or memset when it is a constant, else -1. Volatile ones count as not constant.
int64_t rcb_constant_length(LLVMValueRef Inst) {
  auto *M = dyn_cast<MemIntrinsic>(unwrap(Inst));
  if (!M || M->isVolatile() || M->getDestAddressSpace() != 0)
    return -1;
  if (auto *T = dyn_cast<MemTransferInst>(M))
    if (T->getSourceAddressSpace() != 0)
      return -1;
  auto *L = dyn_cast<ConstantInt>(M->getLength());
  return L && L->getValue().isIntN(31) ? (int64_t)L->getZExtValue() : -1;
}

int rcb_is_memset(LLVMValueRef Inst) { return isa<MemSetInst>(unwrap(Inst)); }

// Folds phis with one incoming value; afterwards a block with one predecessor has no phi.
void rcb_fold_single_phis(LLVMValueRef Fn) {
  for (auto &B : *unwrap<Function>(Fn)) {
    if (!B.getSinglePredecessor())
      continue;
    while (auto *P = dyn_cast<PHINode>(&B.front())) {
      P->replaceAllUsesWith(P->getIncomingValue(0) == P ? PoisonValue::get(P->getType()) : P->getIncomingValue(0));
      P->eraseFromParent();
    }
  }
}

unsigned rcb_predecessor_count(LLVMBasicBlockRef Block) { return pred_size(unwrap(Block)); }


int rcb_has_side_effects(LLVMValueRef Inst) {
  auto *I = unwrap<Instruction>(Inst);
  auto *Call = dyn_cast<CallBase>(I);
  // Nothing says of assembly that it comes back, but it does.
  if (auto *Asm = Call ? dyn_cast<InlineAsm>(Call->getCalledOperand()) : nullptr)
    return Asm->hasSideEffects() || I->mayWriteToMemory();
  return I->mayHaveSideEffects();
}

int rcb_is_volatile_or_atomic(LLVMValueRef Inst) {
  auto *I = unwrap<Instruction>(Inst);
  return I->isVolatile() || I->isAtomic();
}

} // extern "C"
