package org.nullspace.backend.cuda;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Tests that need a CUDA device, real or software: skipped with the reasons where there is none. On the software device, every test also
 * fails if the device has seen something that no real device would forgive.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("gpu")
@ExtendWith(CudaDeviceExtension.class)
public @interface OnCudaDevice {}
