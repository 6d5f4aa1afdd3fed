// NVRTC: looks for the kernels of a source among those that were compiled into the device, and makes a "cubin" of their names.
#include "hostcuda.h"

#include <cctype>
#include <cstdlib>

using namespace hostcuda;

namespace {

enum : int {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
    NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION = 9,
    NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
};

struct Program {
    std::string source, name, log, cubin, ptx;
    std::vector<std::string> expressions, kernels;
    bool compiled = false;
};

template <class Body> int nvrtc(const char *routine, Body body) { return call(routine, Library::NVRTC, body); }

Program &program(Call &c, void *handle) {
    if (!isObject(handle, "nvrtc program")) c.refuse(Problem::HANDLE, "%p is not a program", handle);
    return *static_cast<Program *>(handle);
}

// Comments and literals become blanks, except the C of `extern "C"`.
std::string stripped(const std::string &s) {
    std::string out = s;
    for (size_t i = 0; i < s.size();) {
        if (s.compare(i, 2, "//") == 0) {
            while (i < s.size() && s[i] != '\n') out[i++] = ' ';
        } else if (s.compare(i, 2, "/*") == 0) {
            size_t end = s.find("*/", i + 2);
            end = end == std::string::npos ? s.size() : end + 2;
            for (; i < end; i++)
                if (s[i] != '\n') out[i] = ' ';
        } else if (s[i] == '"' || s[i] == '\'') {
            bool linkage = s.compare(i, 3, "\"C\"") == 0;
            char quote = s[i];
            size_t end = i + 1;
            while (end < s.size() && s[end] != quote && s[end] != '\n') end += s[end] == '\\' ? 2 : 1;
            end = std::min(end + 1, s.size());
            for (; i < end; i++)
                if (!linkage) out[i] = ' ';
        } else {
            i++;
        }
    }
    return out;
}

std::vector<std::string> tokens(const std::string &s) {
    std::vector<std::string> all;
    for (size_t i = 0; i < s.size();) {
        if (isalnum((unsigned char)s[i]) || s[i] == '_') {
            size_t start = i;
            while (i < s.size() && (isalnum((unsigned char)s[i]) || s[i] == '_')) i++;
            all.push_back(s.substr(start, i - start));
        } else {
            if (!isspace((unsigned char)s[i])) all.push_back(std::string(1, s[i]));
            i++;
        }
    }
    return all;
}

// Names after `__global__ ... void`, of functions and not of templates.
std::vector<std::string> kernelNames(const std::vector<std::string> &t) {
    std::vector<std::string> names;
    for (size_t i = 0; i < t.size(); i++) {
        if (t[i] != "__global__") continue;
        bool linkage = i >= 4 && t[i - 1] == "\"" && t[i - 2] == "C" && t[i - 3] == "\"" && t[i - 4] == "extern";
        size_t j = i + 1;
        while (j < t.size() && t[j] != "void" && t[j] != "{" && t[j] != ";") j++;
        if (!linkage || j + 2 >= t.size() || t[j] != "void") continue;
        j++;
        if (t[j] == "__launch_bounds__") {
            while (j < t.size() && t[j] != ")") j++;
            j++;
        }
        if (j < t.size()) names.push_back(t[j]);
    }
    return names;
}

void error(Program &p, const std::string &text) { p.log += p.name + ": error: " + text + "\n"; }

std::string architecture(const std::string &option, const char *next, bool *tookNext) {
    for (const char *name : {"--gpu-architecture", "-arch"}) {
        if (option == name && next) {
            *tookNext = true;
            return next;
        }
        if (option.compare(0, std::strlen(name) + 1, std::string(name) + "=") == 0) return option.substr(std::strlen(name) + 1);
    }
    return "";
}

bool known(const std::string &option) {
    static const char *const prefixes[] = {"--std=", "-std=", "--fmad=", "-fmad=", "--ftz=", "-ftz=", "--prec-sqrt=", "-prec-sqrt=",
            "--prec-div=", "-prec-div=", "--use_fast_math", "-use_fast_math", "--device-as-default-execution-space",
            "-default-device", "--default-device", "--restrict", "-restrict", "--generate-line-info", "-lineinfo",
            "--device-debug", "-G", "--disable-warnings", "-w", "--extra-device-vectorization", "-extra-device-vectorization",
            "--maxrregcount=", "-maxrregcount=", "--dopt", "-dopt", "--ptxas-options", "-Xptxas", "--diag-suppress=",
            "-diag-suppress=", "--split-compile=", "--minimal", "-minimal", "--no-source-include", "-no-source-include",
            "--builtin-initialization-list", "--relocatable-device-code=false", "-rdc=false", "-O"};
    for (const char *p : prefixes)
        if (option.compare(0, std::strlen(p), p) == 0) return true;
    return false;
}

template <class Text> int give(const char *routine, void *handle, char *to, Text text) {
    return nvrtc(routine, [&](Call &c) -> int {
        Program &p = program(c, handle);
        if (!to) return NVRTC_ERROR_INVALID_INPUT;
        const std::string &s = text(p);
        c.host("result", to, s.size() + 1);
        std::memcpy(to, s.c_str(), s.size() + 1);
        return NVRTC_SUCCESS;
    });
}

template <class Text> int giveSize(const char *routine, void *handle, size_t *to, Text text) {
    return nvrtc(routine, [&](Call &c) -> int {
        Program &p = program(c, handle);
        if (!to) return NVRTC_ERROR_INVALID_INPUT;
        const std::string &s = text(p);
        *to = s.empty() ? 0 : s.size() + 1;
        return NVRTC_SUCCESS;
    });
}

} // namespace

extern "C" {

int nvrtcVersion(int *major, int *minor) {
    return nvrtc("nvrtcVersion", [&](Call &) -> int {
        if (!major || !minor) return NVRTC_ERROR_INVALID_INPUT;
        *major = 12;
        *minor = 6;
        return NVRTC_SUCCESS;
    });
}

const char *nvrtcGetErrorString(int code) {
    static const char *const texts[] = {"NVRTC_SUCCESS", "NVRTC_ERROR_OUT_OF_MEMORY", "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
            "NVRTC_ERROR_INVALID_INPUT", "NVRTC_ERROR_INVALID_PROGRAM", "NVRTC_ERROR_INVALID_OPTION", "NVRTC_ERROR_COMPILATION",
            "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE", "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION",
            "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION", "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID",
            "NVRTC_ERROR_INTERNAL_ERROR"};
    return code >= 0 && code < 12 ? texts[code] : "NVRTC_ERROR unknown";
}

static const int ARCHITECTURES[] = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90};

int nvrtcGetNumSupportedArchs(int *n) {
    return nvrtc("nvrtcGetNumSupportedArchs", [&](Call &) -> int {
        if (!n) return NVRTC_ERROR_INVALID_INPUT;
        *n = (int)(sizeof ARCHITECTURES / sizeof *ARCHITECTURES);
        return NVRTC_SUCCESS;
    });
}

int nvrtcGetSupportedArchs(int *all) {
    return nvrtc("nvrtcGetSupportedArchs", [&](Call &) -> int {
        if (!all) return NVRTC_ERROR_INVALID_INPUT;
        std::memcpy(all, ARCHITECTURES, sizeof ARCHITECTURES);
        return NVRTC_SUCCESS;
    });
}

int nvrtcCreateProgram(void **handle, const char *source, const char *name, int headers, const char *const *, const char *const *) {
    return nvrtc("nvrtcCreateProgram", [&](Call &c) -> int {
        if (!handle || !source || headers < 0) return NVRTC_ERROR_INVALID_INPUT;
        if (headers > 0) c.refuse(Problem::UNSUPPORTED, "headers");
        auto *p = new Program;
        p->source = source;
        p->name = name && *name ? name : "default_program";
        addObject(p, "nvrtc program");
        *handle = p;
        return NVRTC_SUCCESS;
    });
}

int nvrtcDestroyProgram(void **handle) {
    return nvrtc("nvrtcDestroyProgram", [&](Call &c) -> int {
        if (!handle) return NVRTC_ERROR_INVALID_INPUT;
        if (!removeObject(*handle, "nvrtc program")) c.refuse(Problem::HANDLE, "%p is not a program", *handle);
        delete static_cast<Program *>(*handle);
        *handle = nullptr;
        return NVRTC_SUCCESS;
    });
}

int nvrtcAddNameExpression(void *handle, const char *expression) {
    return nvrtc("nvrtcAddNameExpression", [&](Call &c) -> int {
        Program &p = program(c, handle);
        if (!expression) return NVRTC_ERROR_INVALID_INPUT;
        p.expressions.push_back(expression);
        return NVRTC_SUCCESS;
    });
}

int nvrtcCompileProgram(void *handle, int count, const char *const *options) {
    return nvrtc("nvrtcCompileProgram", [&](Call &c) -> int {
        Program &p = program(c, handle);
        p.log.clear();
        p.cubin.clear();
        p.ptx.clear();
        std::string arch = "compute_52";
        for (int i = 0; i < count; i++) {
            bool tookNext = false;
            std::string a = architecture(options[i], i + 1 < count ? options[i + 1] : nullptr, &tookNext);
            if (!a.empty()) {
                arch = a;
                i += tookNext;
            } else if (!known(options[i])) {
                error(p, std::string("unrecognized option '") + options[i] + "' (the software device compiles kernels as they are)");
                return NVRTC_ERROR_INVALID_OPTION;
            }
        }
        bool real = arch.compare(0, 3, "sm_") == 0;
        if (!real && arch.compare(0, 8, "compute_") != 0) {
            error(p, "invalid value for --gpu-architecture: " + arch);
            return NVRTC_ERROR_INVALID_OPTION;
        }
        int number = atoi(arch.c_str() + (real ? 3 : 8));
        bool supported = false;
        for (int a : ARCHITECTURES) supported |= a == number;
        if (!supported) {
            error(p, "invalid value for --gpu-architecture: " + arch);
            return NVRTC_ERROR_INVALID_OPTION;
        }
        std::string code = stripped(p.source);
        int braces = 0, parentheses = 0;
        for (char ch : code) {
            braces += (ch == '{') - (ch == '}');
            parentheses += (ch == '(') - (ch == ')');
        }
        if (braces != 0) error(p, "expected a '}'");
        if (parentheses != 0) error(p, "expected a ')'");
        if (code.find("#include") != std::string::npos) error(p, "cannot open source file of #include");
        auto *known = kernelsOfSource(hashOf(p.source.data(), p.source.size()));
        p.kernels = known ? *known : kernelNames(tokens(code));
        for (auto &k : p.kernels)
            if (!findKernel(k)) error(p, "kernel '" + k + "' was not compiled into the software device");
        for (auto &e : p.expressions)
            if (!findKernel(e)) error(p, "name expression '" + e + "'");
        if (!p.log.empty()) return NVRTC_ERROR_COMPILATION;
        p.compiled = true;
        std::string names;
        for (auto &k : p.kernels) names += k + "\n";
        if (real) p.cubin = std::string(CUBIN_MAGIC) + " sm_" + std::to_string(number) + "\n" + names + "end\n";
        p.ptx = "// software device, " + arch + "\n" + names;
        return NVRTC_SUCCESS;
    });
}

int nvrtcGetProgramLogSize(void *handle, size_t *to) {
    return nvrtc("nvrtcGetProgramLogSize", [&](Call &c) -> int {
        Program &p = program(c, handle);
        if (!to) return NVRTC_ERROR_INVALID_INPUT;
        *to = p.log.size() + 1;
        return NVRTC_SUCCESS;
    });
}
int nvrtcGetProgramLog(void *handle, char *to) {
    return give("nvrtcGetProgramLog", handle, to, [](Program &p) -> std::string & { return p.log; });
}
int nvrtcGetPTXSize(void *handle, size_t *to) {
    return giveSize("nvrtcGetPTXSize", handle, to, [](Program &p) -> std::string & { return p.ptx; });
}
int nvrtcGetPTX(void *handle, char *to) {
    return give("nvrtcGetPTX", handle, to, [](Program &p) -> std::string & { return p.ptx; });
}
int nvrtcGetCUBINSize(void *handle, size_t *to) {
    return giveSize("nvrtcGetCUBINSize", handle, to, [](Program &p) -> std::string & { return p.cubin; });
}
int nvrtcGetCUBIN(void *handle, char *to) {
    return nvrtc("nvrtcGetCUBIN", [&](Call &c) -> int {
        Program &p = program(c, handle);
        if (!to || p.cubin.empty()) return NVRTC_ERROR_INVALID_INPUT;
        std::memcpy(to, p.cubin.c_str(), p.cubin.size() + 1);
        return NVRTC_SUCCESS;
    });
}

int nvrtcGetLoweredName(void *handle, const char *expression, const char **name) {
    return nvrtc("nvrtcGetLoweredName", [&](Call &c) -> int {
        Program &p = program(c, handle);
        if (!expression || !name) return NVRTC_ERROR_INVALID_INPUT;
        if (!p.compiled) return NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION;
        for (auto &e : p.expressions)
            if (e == expression) {
                *name = e.c_str();
                return NVRTC_SUCCESS;
            }
        return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
    });
}

} // extern "C"
