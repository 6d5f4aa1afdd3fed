// Arrays of addresses, as the batched routines of cuBLAS and cuSOLVER take them. Every kernel takes one struct of 8-byte members.

struct PointersArgs {
    long long *addresses;  // written
    long long first;       // address of the first matrix
    long long stride;      // bytes from matrix to matrix, 0 if all are the same
    long long count;
};

extern "C" __global__ void nullspace_pointers(PointersArgs args) {
    for (long long b = blockIdx.x * (long long)blockDim.x + threadIdx.x; b < args.count; b += (long long)gridDim.x * blockDim.x) {
        args.addresses[b] = args.first + b * args.stride;
    }
}
