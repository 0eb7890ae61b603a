# The tracer is a library of its own: it is the one place that includes torch::jit, and its tests need nothing else.
add_library(oddity_trace STATIC
  ${CMAKE_CURRENT_LIST_DIR}/trace.cpp ${CMAKE_CURRENT_LIST_DIR}/trace_builder.cpp
  ${CMAKE_CURRENT_LIST_DIR}/trace_call.cpp ${CMAKE_CURRENT_LIST_DIR}/trace_layout.cpp
  ${CMAKE_CURRENT_LIST_DIR}/trace_operators.cpp)
target_link_libraries(oddity_trace PUBLIC oddity_flags oddity_inference oddity_core oddity_torch)
