#include <pybind11/pybind11.h>

#include "core/engine_binding.h"
#include "core/error.h"

PYBIND11_MODULE(_core, m) {
  namespace py = pybind11;
  m.doc() = "Compiled engine on LibTorch: bare functions. Use oddity.Engine, which documents it.";
  py::register_exception_translator([](std::exception_ptr failure) {
    try {
      if (failure) {
        std::rethrow_exception(failure);
      }
    } catch (const oddity::PathError& error) {
      py::set_error(PyExc_FileNotFoundError, error.what());
    } catch (const oddity::InvalidArgument& error) {
      py::set_error(PyExc_ValueError, error.what());
    } catch (const oddity::ContentError& error) {
      py::set_error(PyExc_ValueError, error.what());
    } catch (const oddity::IoError& error) {
      py::set_error(PyExc_OSError, error.what());
    } catch (const oddity::Error& error) {
      py::set_error(PyExc_RuntimeError, error.what());
    }
  });
  oddity::python::bind_engine(m);
}
