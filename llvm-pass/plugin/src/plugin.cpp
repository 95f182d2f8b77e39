// The hardening pass as a plugin of LLVM 22:
//
//   clang-22 -O2 -fpass-plugin=rcb-pass.so -c x.c          scheme from RCB_PROTECT, else swift
//   opt-22 -load-pass-plugin=rcb-pass.so -passes=rcb-swift x.bc -o y.bc
//
// In clang the pass runs at the end of the optimisation pipeline, and loop strength reduction, which would undo it in
// code generation, is switched off. What opt writes must be compiled with `-mllvm -disable-lsr` and no optimisation.
#include "llvm-c/Core.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdlib>
#include <string>

using namespace llvm;

// In lib.rs: null, or why it failed, to be given back to rcb_plugin_free.
extern "C" char *rcb_plugin_harden(LLVMModuleRef Module, const char *Protection);
extern "C" void rcb_plugin_free(char *Text);

namespace {

struct Harden : PassInfoMixin<Harden> {
  std::string Protection;

  explicit Harden(std::string Protection) : Protection(std::move(Protection)) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    if (char *Reason = rcb_plugin_harden(wrap(&M), Protection.c_str())) {
      M.getContext().emitError(Twine("rcb-pass: ") + Reason);
      rcb_plugin_free(Reason);
    }
    return PreservedAnalyses::none();
  }

  // At -O0 and for functions marked optnone, too.
  static bool isRequired() { return true; }
};

void disableStrengthReduction() {
  auto &Options = cl::getRegisteredOptions();
  auto Found = Options.find("disable-lsr");
  if (Found == Options.end())
    reportFatalUsageError("rcb-pass: this LLVM has no option to switch loop strength reduction off");
  if (!Found->second->getNumOccurrences())
    Found->second->addOccurrence(1, "disable-lsr", "");
}

void registerPasses(PassBuilder &Builder) {
  Builder.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &Passes, ArrayRef<PassBuilder::PipelineElement>) {
        if (Name != "rcb-swift" && Name != "rcb-swift+cfc")
          return false;
        Passes.addPass(Harden(Name.drop_front(4).str()));
        return true;
      });
  Builder.registerOptimizerLastEPCallback([](ModulePassManager &Passes, OptimizationLevel, ThinOrFullLTOPhase) {
    disableStrengthReduction();
    const char *Chosen = std::getenv("RCB_PROTECT");
    Passes.addPass(Harden(Chosen ? Chosen : "swift"));
  });
}

} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "rcb-pass", "0.1", registerPasses};
}
