import { useEffect, useRef } from 'react';

interface Props {
  className: string;
  label: string;
  /** What is read out for the value. */
  text: string;
  min: number;
  max: number;
  step: number;
  value: number;
  onChange: (value: number) => void;
}

/** A range input whose filled part is painted by the style sheet through --fill. */
export function Slider({ className, label, text, min, max, step, value, onChange }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const part = max > min ? (value - min) / (max - min) : 0;
    input.current?.style.setProperty('--fill', `${Math.round(part * 1000) / 10}%`);
  }, [min, max, value]);
  return (
    <input ref={input} type="range" className={`slider ${className}`} aria-label={label} aria-valuetext={text}
      min={min} max={max} step={step} value={value} onChange={(e) => onChange(e.target.valueAsNumber)} />
  );
}
