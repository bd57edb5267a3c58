/*
 * Places in sorted arrays.
 */
#ifndef MUSUBI_BASE_SORTED_H
#define MUSUBI_BASE_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The index of the first of `count` elements of `size` octets whose key is not below `key`: where it stands,
 * or would stand. `count` if there is none. `key_of` reads the key of an element; the elements are in the
 * order of their keys.
 */
size_t sorted_place(const void *array, size_t count, size_t size, uint32_t (*key_of)(const void *element),
                    uint32_t key);

#endif
