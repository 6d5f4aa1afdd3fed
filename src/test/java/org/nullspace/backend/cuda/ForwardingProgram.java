package org.nullspace.backend.cuda;

import jcuda.Pointer;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.JCusolverMg;
import jcuda.jcusolver.cusolverDnHandle;
import jcuda.jcusolver.cusolverMgHandle;
import jcuda.jcusolver.gesvdjInfo;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;

/** Runs in a process of its own: loads the libraries as the backend does, and calls through JCuda. */
final class ForwardingProgram {
    private ForwardingProgram() {}

    /** An address on no device. */
    static Pointer address(long value) {
        return new Pointer() {}.withByteOffset(value);
    }

    public static void main(String[] args) {
        CudaLibraries libraries = CudaLibraries.load();
        System.out.println("usable " + libraries.usable());
        System.out.println("forwarding " + libraries.forwarding());
        libraries.reasons().forEach(r -> System.out.println("reason " + r));
        libraries.advice().forEach(a -> System.out.println("advice " + a));
        libraries
                .findings()
                .forEach(f -> System.out.println("finding " + f.name() + " | " + f.found() + " | " + f.path() + " | "
                        + f.version() + " | " + f.detail()));
        if (!libraries.usable()) {
            return;
        }
        cublasHandle cublas = new cublasHandle();
        cusolverDnHandle cusolver = new cusolverDnHandle();
        System.out.println("cublasCreate " + JCublas2.cublasCreate(cublas));
        System.out.println("dgemm "
                + JCublas2.cublasDgemm(
                        cublas,
                        0,
                        1,
                        1001,
                        1002,
                        1003,
                        address(0x10),
                        address(0xa000000a0L),
                        1004,
                        address(0xb000000b0L),
                        1005,
                        address(0x20),
                        address(0xc000000c0L),
                        1006));
        System.out.println("gesvd "
                + JCusolverDn.cusolverDnDgesvd(
                        cusolver,
                        'O',
                        'A',
                        2001,
                        2002,
                        address(0xa1),
                        2003,
                        address(0xa2),
                        address(0xa3),
                        2004,
                        address(0xa4),
                        2005,
                        address(0xa5),
                        2006,
                        address(0xa6),
                        address(0xa7)));
        System.out.println("tolerance " + JCusolverDn.cusolverDnXgesvdjSetTolerance(new gesvdjInfo(), 1.25e-7));
        nvrtcProgram program = new nvrtcProgram();
        System.out.println("program " + JNvrtc.nvrtcCreateProgram(program, "source", "name", 0, null, null));
        System.out.println("options " + JNvrtc.nvrtcCompileProgram(program, 2, new String[] {"-a", "-b"}));
        System.out.println("text " + JNvrtc.nvrtcGetErrorString(3));
        System.out.println("nvvm " + JNvrtc.nvrtcGetNVVMSize(program, new long[1]));
        System.out.println("mg " + JCusolverMg.cusolverMgCreate(new cusolverMgHandle()));
        System.out.println("driver " + JCudaDriver.cuDriverGetVersion(new int[1]));
        System.out.println("called " + libraries.missingCalls());
        System.out.println("tmpdir " + System.getProperty("java.io.tmpdir"));
        CudaProvider provider = new CudaProvider();
        System.out.println("probe " + provider.probe());
    }
}
