// JNI: the native methods of the test class org.nullspace.backend.cuda.SoftwareDevice.
#include "faults.h"
#include "hostcuda.h"
#include "launch.h"

#include <jni.h>

using namespace hostcuda;

namespace {

std::string text(JNIEnv *env, jstring s) {
    const char *chars = env->GetStringUTFChars(s, nullptr);
    std::string result = chars ? chars : "";
    if (chars) env->ReleaseStringUTFChars(s, chars);
    return result;
}

jobjectArray array(JNIEnv *env, const std::vector<std::string> &all) {
    jobjectArray result = env->NewObjectArray((jsize)all.size(), env->FindClass("java/lang/String"), nullptr);
    for (size_t i = 0; result && i < all.size(); i++) {
        jstring s = env->NewStringUTF(all[i].c_str());
        env->SetObjectArrayElement(result, (jsize)i, s);
        env->DeleteLocalRef(s);
    }
    return result;
}

} // namespace

#define CONTROL(type, name) JNIEXPORT type JNICALL Java_org_nullspace_backend_cuda_SoftwareDevice_##name

extern "C" {

CONTROL(jboolean, present0)(JNIEnv *, jclass) { return JNI_TRUE; }
CONTROL(void, configure)(JNIEnv *, jclass, jint devices, jlong bytes) { hostcuda::configure(devices, (size_t)bytes); }
CONTROL(void, reset)(JNIEnv *, jclass) {
    resetFaults();
    resetLaunches();
}
CONTROL(void, failCall)(JNIEnv *env, jclass, jstring routine, jlong nth, jint status) {
    hostcuda::failCall(text(env, routine), nth, status);
}
CONTROL(void, loseDevice)(JNIEnv *env, jclass, jstring routine, jlong nth) { hostcuda::loseDevice(text(env, routine), nth); }
CONTROL(void, failAllocation)(JNIEnv *, jclass, jlong nth) { hostcuda::failAllocation(nth); }
CONTROL(void, forgeInfo)(JNIEnv *env, jclass, jstring routine, jlong nth, jint info) {
    hostcuda::forgeInfo(text(env, routine), nth, info);
}
CONTROL(jlong, liveBytes)(JNIEnv *, jclass, jint n) {
    std::lock_guard<std::mutex> hold(lock());
    return n < 0 || n >= MAX_DEVICES ? -1 : (jlong)device(n).live;
}
CONTROL(jlong, peakBytes)(JNIEnv *, jclass, jint n) {
    std::lock_guard<std::mutex> hold(lock());
    return n < 0 || n >= MAX_DEVICES ? -1 : (jlong)device(n).peak;
}
CONTROL(jobjectArray, liveObjects)(JNIEnv *env, jclass) { return array(env, hostcuda::liveObjects()); }
CONTROL(jlong, calls)(JNIEnv *env, jclass, jstring routine) { return hostcuda::calls(text(env, routine)); }
CONTROL(jobjectArray, routines)(JNIEnv *env, jclass) { return array(env, hostcuda::routines()); }
CONTROL(jlong, launches)(JNIEnv *, jclass) { return hostcuda::launches(); }
CONTROL(jobjectArray, violations)(JNIEnv *env, jclass) { return array(env, hostcuda::violations()); }

} // extern "C"
