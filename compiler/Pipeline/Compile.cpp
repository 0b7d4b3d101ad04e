//===- Compile.cpp - From a model file to any phase -----------------------------===//
#include "compiler/Pipeline/Compile.h"

#include "codegen/Codegen.h"
#include "compiler/Conversion/HostToLLVM/Passes.h"
#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"
#include "compiler/Frontend/Checkpoint/CheckpointFrontend.h"
#include "compiler/Frontend/Description/Description.h"
#include "compiler/Frontend/Onnx/OnnxFrontend.h"
#include "compiler/Pipeline/GenerationDefaults.h"
#include "compiler/Pipeline/LibraryTable.h"
#include "compiler/Pipeline/Metadata.h"
#include "compiler/Pipeline/ObjectCode.h"
#include "compiler/Pipeline/OutputFiles.h"
#include "compiler/Pipeline/TokenizerFiles.h"
#include "compiler/Weights/Weights.h"
#include "dialects/Thresh/IR/ThreshSparseOps.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace thresh {

namespace {

/// One compilation: the module moves from phase to phase, files gather in a folder that goes at the end.
class Compilation {
public:
  Compilation(const CompileOptions &options, MLIRContext &context, CompileSummary &summary)
      : options(options), context(context), summary(summary), location(UnknownLoc::get(&context)) {}

  LogicalResult run() {
    if (failed(chooseTargets()) || failed(checkOutputFolder()) || failed(readModel()))
      return failure();
    noteApproximation();
    if (options.emit == Phase::Graph)
      return printModule();
    step("optimizing");
    if (failed(runPhase([this](OpPassManager &passes) {
          buildSparsePhase(passes, options.weights.value_or(WeightFormat::None),
                           options.cache.value_or(CacheFormat::F32), options.dense);
        })))
      return failure();
    if (options.emit == Phase::Sparse)
      return printModule();
    if (failed(runPhase(buildLinalgPhase)))
      return failure();
    if (options.emit == Phase::Linalg)
      return printModule();
    if (failed(runPhase(buildKernelsPhase)) || failed(placeWeights()))
      return failure();
    placeStates();
    if (options.emit == Phase::Kernels)
      return printModule();
    if (failed(spellKernels()) || failed(work.create(location)))
      return failure();
    if (options.emit == Phase::Halide)
      return printKernels();
    return emitCodePhases();
  }

private:
  LogicalResult chooseTargets() {
    std::vector<std::string> names = options.targets;
    if (names.empty())
      names.push_back(codegen::hostTarget().name);
    for (const std::string &name : names) {
      const codegen::TargetInfo *target = codegen::findTarget(name);
      if (name == "host")
        target = &codegen::hostTarget();
      if (!target) {
        InFlightDiagnostic diagnostic = emitError(location, "unknown target '") << name << "'; known targets: host";
        for (const codegen::TargetInfo &known : codegen::targets())
          diagnostic << ", " << known.name;
        return diagnostic;
      }
      if (!llvm::is_contained(targets, target))
        targets.push_back(target);
    }
    // The runtime takes the first variant that the CPU can run.
    llvm::stable_sort(targets, [](const auto *a, const auto *b) { return a->vectorBits > b->vectorBits; });
    return success();
  }

  /// Says at once, not after all the work, that the output has nowhere to go.
  LogicalResult checkOutputFolder() {
    StringRef folder = llvm::sys::path::parent_path(options.output);
    if (folder.empty() || llvm::sys::fs::is_directory(folder))
      return success();
    return emitError(location, "cannot write '") << options.output << "': there is no folder '" << folder << "'";
  }

  LogicalResult readModel() {
    step("reading " + options.model);
    StringRef model = options.model;
    bool isConfig = llvm::sys::path::filename(model) == "config.json";
    if (llvm::sys::fs::is_directory(model) || isConfig) {
      CheckpointOptions import;
      import.fixedDims = options.dims;
      import.context = options.context;
      import.modelConfig = options.modelConfig;
      import.sparsity = options.sparsity;
      import.randomSeed = options.randomSeed;
      checkpoint = isConfig ? llvm::sys::path::parent_path(model) : model;
      if (checkpoint.empty())
        checkpoint = ".";
      module = importCheckpoint(checkpoint, context, import);
    } else if (options.context || options.randomSeed || !options.modelConfig.empty() ||
               !options.sparsity.json.empty()) {
      return emitError(location, "'") << model
                                      << "' is no checkpoint, but a context length, random weights, fields of "
                                         "config.json or sparsity are asked for";
    } else if (model.ends_with(".onnx")) {
      OnnxImportOptions import;
      import.dims = options.dims;
      module = importOnnx(model, context, import);
    } else if (model.ends_with(".mlir")) {
      if (!options.dims.empty())
        return emitError(location, "cannot fix dimension '")
               << options.dims.begin()->first() << "': the types in '" << model << "' say the extents";
      module = parseSourceFile<ModuleOp>(model, ParserConfig(&context));
    } else {
      return emitError(location, "cannot tell what '") << model
                                                       << "' is: expects an .onnx file, a checkpoint folder, its "
                                                          "config.json, a .json description, or an .mlir file";
    }
    if (!module)
      return failure();
    for (auto function : module->getOps<func::FuncOp>()) {
      FailureOr<Signature> signature = readSignature(function);
      if (failed(signature))
        return failure();
      entries.push_back(*signature);
    }
    if (entries.empty())
      return emitError(location, "expects a model with at least one entry point");
    if (options.cache && module->getOps<StateOp>().empty())
      return emitError(location, "'") << model << "' keeps no keys and values, but a format for their caches is given";
    return success();
  }

  /// Says once that the model is not what its makers trained.
  void noteApproximation() {
    auto walked = module->walk([](SparseOpInterface op) {
      return op->hasAttr("approximate") ? WalkResult::interrupt() : WalkResult::advance();
    });
    isApproximate = walked.wasInterrupted();
    if (isApproximate)
      emitRemark(location) << "'" << options.model << "' is approximated: layers are sparse that were trained dense";
  }

  LogicalResult runPhase(llvm::function_ref<void(OpPassManager &)> build) {
    PassManager passes(&context);
    passes.enableVerifier(true);
    build(passes);
    return passes.run(*module);
  }

  LogicalResult printModule() {
    return writeText(location, options.output, [&](llvm::raw_ostream &stream) {
      module->print(stream, OpPrintingFlags().elideLargeElementsAttrs(64));
      return success();
    });
  }

  /// Gives every parameter its place in the packed weights.
  LogicalResult placeWeights() {
    if (failed(layoutWeights(*module, weights)))
      return failure();
    OpBuilder builder(&context);
    for (auto parameter : module->getOps<ParameterOp>())
      parameter->setAttr(kParameterOffsetAttr,
                         builder.getI64IntegerAttr(weights.offsets.lookup(parameter.getSymName())));
    summary.weightBytes = weights.dataBytes;
    return success();
  }

  /// Gives every state its place in a session's memory.
  void placeStates() {
    OpBuilder builder(&context);
    for (auto op : module->getOps<StateOp>()) {
      auto type = cast<RankedTensorType>(op.getType());
      LibraryState state;
      state.name = op.getSymName().str();
      state.dtype = static_cast<int>(*dtypeOf(type.getElementType()));
      state.shape.assign(type.getShape().begin(), type.getShape().end());
      state.offset = stateBytes;
      state.bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      state.window = op.getWindow().value_or(0);
      op->setAttr(kStateOffsetAttr, builder.getI64IntegerAttr(state.offset));
      stateBytes += llvm::alignTo(state.bytes, 64);
      states.push_back(state);
    }
  }

  LogicalResult spellKernels() {
    for (auto kernel : module->getOps<KernelOp>()) {
      FailureOr<codegen::KernelSpec> spec = kernelToSpec(kernel);
      if (failed(spec))
        return failure();
      kernels.push_back(*spec);
    }
    summary.kernels = kernels.size() * targets.size();
    std::vector<StateRead> wholeStates;
    for (const LibraryState &state : states) {
      int64_t rowBytes = state.bytes / state.shape[0];
      wholeStates.push_back({state.name, rowBytes, state.shape[0], rowBytes, 0});
    }
    for (auto [function, signature] : llvm::zip(module->getOps<func::FuncOp>(), entries)) {
      std::vector<LaunchRecord> records = recordLaunches(function, signature, kernels);
      sumReads(signature, records, wholeStates);
      launches.insert(launches.end(), records.begin(), records.end());
    }
    return success();
  }

  /// The kernels as they are compiled for one target; their symbols name it.
  std::vector<codegen::KernelSpec> kernelsFor(const codegen::TargetInfo &target) const {
    std::vector<codegen::KernelSpec> specs = kernels;
    for (codegen::KernelSpec &spec : specs) {
      spec.target = target.name;
      spec.name += suffixOf(target);
    }
    return specs;
  }

  static std::string suffixOf(const codegen::TargetInfo &target) {
    std::string suffix = std::string("__") + target.name;
    std::replace_if(
        suffix.begin(), suffix.end(), [](char c) { return !isalnum(c); }, '_');
    return suffix;
  }

  LogicalResult check(const codegen::Status &status) {
    return status.ok() ? success() : emitError(location, status.message);
  }

  LogicalResult check(llvm::Error error) {
    return error ? emitError(location, llvm::toString(std::move(error))) : success();
  }

  LogicalResult printKernels() {
    return writeText(location, options.output, [&](llvm::raw_ostream &stream) -> LogicalResult {
      for (const codegen::KernelSpec &spec : kernelsFor(*targets.front())) {
        codegen::KernelFiles files;
        files.stmt = work.path(spec.name + ".stmt");
        step("kernel " + spec.name);
        if (failed(check(codegen::compileKernel(spec, files))))
          return failure();
        stream << "// kernel " << spec.name << "\n" << codegen::toJson(spec) << "\n";
        if (failed(appendFile(location, files.stmt, stream)))
          return failure();
      }
      return success();
    });
  }

  /// The host module of one target as LLVM IR.
  std::unique_ptr<llvm::Module> lowerHost(const codegen::TargetInfo &target, llvm::LLVMContext &llvmContext) {
    OwningOpRef<ModuleOp> host = module->clone();
    OpBuilder builder(&context);
    (*host)->setAttr("thresh.kernel_suffix", builder.getStringAttr(suffixOf(target)));
    LibraryVariant variant;
    variant.target = target.name;
    variant.cpuFeatures = target.cpuFeatures;
    for (auto function : host->getOps<func::FuncOp>()) {
      variant.functions.push_back("thresh_" + function.getSymName().str() + suffixOf(target));
      function.setSymName(variant.functions.back());
    }
    PassManager passes(&context);
    buildLlvmPhase(passes);
    if (failed(passes.run(*host)))
      return nullptr;
    std::unique_ptr<llvm::Module> lowered = translateModuleToLLVMIR(*host, llvmContext, "thresh_host");
    if (!lowered)
      emitError(location, "the host code does not translate to LLVM IR");
    variants.push_back(variant);
    return lowered;
  }

  LogicalResult emitCodePhases() {
    for (const codegen::TargetInfo *target : targets) {
      llvm::LLVMContext llvmContext;
      std::unique_ptr<llvm::Module> host = lowerHost(*target, llvmContext);
      if (!host)
        return failure();
      if (options.emit == Phase::Llvm)
        return writeText(location, options.output, [&](llvm::raw_ostream &stream) {
          host->print(stream, nullptr);
          return success();
        });
      if (options.emit == Phase::Asm)
        return printAssembly(*host, *target);
      objects.push_back(work.path("host" + suffixOf(*target) + ".o"));
      if (failed(check(emitCode(*host, target->llvmTriple, target->llvmCpu, CodeForm::Object, objects.back()))) ||
          failed(compileKernelObjects(*target)))
        return failure();
    }
    return linkEverything();
  }

  LogicalResult printAssembly(llvm::Module &host, const codegen::TargetInfo &target) {
    return writeText(location, options.output, [&](llvm::raw_ostream &stream) -> LogicalResult {
      std::string path = work.path("host.s");
      if (failed(check(emitCode(host, target.llvmTriple, target.llvmCpu, CodeForm::Assembly, path))) ||
          failed(appendFile(location, path, stream)))
        return failure();
      for (const codegen::KernelSpec &spec : kernelsFor(target)) {
        codegen::KernelFiles files;
        files.assembly = work.path(spec.name + ".s");
        step("kernel " + spec.name);
        if (failed(check(codegen::compileKernel(spec, files))) || failed(appendFile(location, files.assembly, stream)))
          return failure();
      }
      return success();
    });
  }

  LogicalResult compileKernelObjects(const codegen::TargetInfo &target) {
    std::vector<codegen::KernelSpec> specs = kernelsFor(target);
    auto tell = [](void *self, int done, int total, const std::string &name) {
      static_cast<Compilation *>(self)->tellProgress("kernel " + name, done, total);
    };
    codegen::BatchResult result =
        codegen::compileKernels(specs, work.path(""), options.cacheDir, options.jobs, tell, this);
    summary.kernelsFromCache += result.fromCache;
    if (failed(check(result.status)))
      return failure();
    for (const codegen::KernelSpec &spec : specs)
      objects.push_back(work.path(spec.name + ".o"));
    return success();
  }

  LogicalResult linkEverything() {
    const codegen::TargetInfo &baseline = *targets.back();
    objects.push_back(work.path("halide_runtime.o"));
    if (failed(check(codegen::compileRuntime(baseline.name, objects.back(), options.cacheDir))))
      return failure();
    objects.push_back(work.path("kernel_support.o"));
    if (failed(check(codegen::writeKernelSupport(objects.back()))))
      return failure();
    PendingFile weightsOut(weightsPath()), libraryOut(options.output);
    LibraryDescription library;
    library.entries = entries;
    library.variants = variants;
    library.states = states;
    library.stateBytes = stateBytes;
    library.isApproximate = isApproximate;
    if (auto contextTokens = (*module)->getAttrOfType<IntegerAttr>("thresh.context"))
      library.context = contextTokens.getInt();
    TokenizerFiles tokenizer;
    if (failed(readGenerationDefaults(*module, library.generation)) || failed(packAll(library, baseline, weightsOut)))
      return failure();
    if (library.context && !checkpoint.empty() && failed(tokenizer.stage(checkpoint, options.output, location)))
      return failure();
    library.tokenizer = tokenizer.names();
    library.weights = weights;
    library.metadata = buildMetadata(library, llvm::sys::path::filename(options.model), kernels, launches);
    llvm::LLVMContext llvmContext;
    std::unique_ptr<llvm::Module> table = buildLibraryTable(library, llvmContext);
    objects.push_back(work.path("table.o"));
    if (failed(check(emitCode(*table, baseline.llvmTriple, baseline.llvmCpu, CodeForm::Object, objects.back()))))
      return failure();
    step("linking");
    llvm::Error linked = options.emit == Phase::Object ? linkObject(objects, libraryOut.temporary())
                                                       : linkLibrary(objects, libraryOut.temporary(), work.path(""));
    if (failed(check(std::move(linked))))
      return failure();
    uint64_t bytes = 0;
    (void)llvm::sys::fs::file_size(libraryOut.temporary(), bytes);
    summary.libraryBytes = bytes;
    if (!library.weightsFile.empty() && failed(weightsOut.commit(location)))
      return failure();
    if (failed(tokenizer.commit(location)))
      return failure();
    return libraryOut.commit(location);
  }

  /// model.so -> model.weights.safetensors
  std::string weightsPath() const {
    SmallString<128> path(options.output);
    llvm::sys::path::replace_extension(path, ".weights.safetensors");
    return path.str().str();
  }

  LogicalResult packAll(LibraryDescription &library, const codegen::TargetInfo &baseline, PendingFile &weightsOut) {
    if (weights.tensors.empty())
      return success();
    step("packing weights");
    if (options.embedWeights) {
      library.weightsSymbol = "thresh_weights";
      objects.push_back(work.path("weights.o"));
      return writeWeightsObject(*module, objects.back(), library.weightsSymbol, llvm::Triple(baseline.llvmTriple),
                                weights);
    }
    library.weightsFile = llvm::sys::path::filename(weightsPath()).str();
    return packWeights(*module, weightsOut.temporary(), weights);
  }

  void step(const std::string &what) { tellProgress(what, 0, 0); }

  void tellProgress(const std::string &what, int done, int total) {
    if (options.progress)
      options.progress(what, done, total);
  }

  const CompileOptions &options;
  MLIRContext &context;
  CompileSummary &summary;
  Location location;
  std::vector<const codegen::TargetInfo *> targets;
  StringRef checkpoint; ///< folder that the model came from; empty for other files
  OwningOpRef<ModuleOp> module;
  std::vector<Signature> entries;
  PackedWeights weights;
  std::vector<codegen::KernelSpec> kernels;
  std::vector<LaunchRecord> launches;
  std::vector<LibraryState> states;
  int64_t stateBytes = 0;
  bool isApproximate = false;
  std::vector<LibraryVariant> variants;
  std::vector<std::string> objects;
  WorkFolder work;
};

} // namespace

/// Puts what a description says in place of its path; options that are already set stay.
static LogicalResult applyDescription(CompileOptions &options, MLIRContext &context) {
  llvm::Expected<ModelDescription> description = readDescription(options.model);
  if (!description)
    return emitError(UnknownLoc::get(&context), llvm::toString(description.takeError()));
  options.model = description->checkpoint;
  options.modelConfig = description->modelConfig;
  options.sparsity = description->sparsity;
  if (!options.context)
    options.context = description->context;
  if (options.targets.empty())
    options.targets = description->targets;
  if (!options.weights)
    options.weights = description->weights;
  if (!options.cache)
    options.cache = description->cache;
  return success();
}

LogicalResult compile(const CompileOptions &options, MLIRContext &context, CompileSummary &summary) {
  CompileOptions resolved = options;
  StringRef name = llvm::sys::path::filename(options.model);
  bool isDescription = name.ends_with(".json") && name != "config.json" && !llvm::sys::fs::is_directory(options.model);
  if (isDescription && failed(applyDescription(resolved, context)))
    return failure();
  return Compilation(resolved, context, summary).run();
}

std::string defaultCacheDir() {
  if (const char *dir = std::getenv("THRESH_CACHE_DIR"))
    return dir;
  SmallString<128> path;
  if (!llvm::sys::path::cache_directory(path))
    return "";
  llvm::sys::path::append(path, "thresh", "kernels");
  return path.str().str();
}

} // namespace thresh
