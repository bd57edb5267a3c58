#include "base/sorted.h"

size_t sorted_place(const void *array, size_t count, size_t size, uint32_t (*key_of)(const void *element),
                    uint32_t key)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_of((const char *)array + middle * size) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
